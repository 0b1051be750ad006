"""Records that other versions of localrun wrote: what can be read of them, and what not."""

from __future__ import annotations

from localrun.errors import StoreFailed
from localrun.workspace import records
from localrun.workspace.home import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.workspace.run_files import Record


def read_supported(home: str, run_id: str, say: Callable[[str], None] = tell) -> Record:
    """Give the record of a run for those who act on what it says.

    Raises:
        RunNotFound: there is neither folder nor row.
        StoreFailed: it cannot be read, or a newer localrun wrote it.
    """
    record = records.read(home, run_id, say)
    schema = record.get("schema", records.SCHEMA)
    if not isinstance(schema, int) or schema > records.SCHEMA:
        message = f"the record of run {run_id} is of a newer localrun: its schema is {schema}, not {records.SCHEMA}"
        hint = f"install a newer localrun: pip install -U localrun; the files are in {records.folder_of(home, run_id)}"
        raise StoreFailed(message, hint=hint, code="newer_record")
    return record

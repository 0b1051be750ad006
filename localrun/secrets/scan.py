"""The search for secrets in what a run leaves behind."""

from __future__ import annotations

import os

from localrun.secrets.search import Search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PLACES = ("outputs", "logs", "named-outputs", "mlruns", "journal")
"""The folders of a run that its script writes to. Links are not followed, these places themselves apart."""
CHUNK = 1 << 20
MOST_NAMED = 5


def find_secrets(folder: str, needles: Sequence[bytes]) -> list[str]:
    """Find the files of a run that hold a secret; give their paths, relative to the run's folder, sorted.

    Args:
        folder: The run's folder.
        needles: Of `masks.list_needles`.
    """
    search = Search(needles)
    return sorted([path for path in _list_files(folder) if _holds(os.path.join(folder, path), search)])


def note_secrets(folder: str, needles: Sequence[bytes]) -> list[str]:
    """Give the note for the record: which files hold a secret; empty when none does."""
    found = find_secrets(folder, needles)
    if not found:
        return []
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return [f"secret_in_outputs: a secret stands in {', '.join(found[:MOST_NAMED])}{more}; look before you share them"]


def _list_files(folder: str) -> Iterator[str]:
    for place in PLACES:
        top = os.path.realpath(os.path.join(folder, place))
        for path, _, names in os.walk(top):
            for name in names:
                full = os.path.join(path, name)
                if os.path.isfile(full) and not os.path.islink(full):
                    yield os.path.join(place, os.path.relpath(full, top))


def _holds(path: str, search: Search) -> bool:
    overlap = search.longest - 1
    rest = b""
    try:
        with open(path, "rb") as file:
            while data := file.read(CHUNK):
                data = rest + data
                if search.find(data):
                    return True
                rest = data[-overlap:]
    except OSError:
        return False  # it cannot be read by us, or went away
    return False

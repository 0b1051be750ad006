"""Where something that is refused was asked for: a key of the job file, or a flag."""

from __future__ import annotations

from localrun.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.spec import RunSpec


def refuse(spec: RunSpec, message: str, *, key: str, flag: str, hint: str) -> BadInput:
    """Give the error with its place: file, line and key when `spec.lines` knows the key, else the flag."""
    line = dict(spec.lines).get(key, 0)
    if line:
        return BadInput(message, file=spec.file, line=line, key=key, hint=hint)
    return BadInput(message, key=flag, hint=hint)

"""Where something that is refused was asked for: a key of the job file, or a flag."""

from __future__ import annotations

from localrun.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.spec import RunSpec


def refuse(spec: RunSpec, message: str, *, key: str, flag: str, hint: str) -> BadInput:
    """Give the error with its place: file, line and key when `spec.lines` knows the key, else the flag."""
    name, line = locate(spec, key)
    if line:
        return BadInput(message, file=spec.file, line=line, key=name, hint=hint)
    return BadInput(message, key=flag, hint=hint)


def locate(spec: RunSpec, key: str) -> tuple[str, int]:
    """Give what the file calls a key of a v2 job, and its line there; 0 when it does not have it."""
    names = dict(spec.key_names)
    section, dot, rest = key.partition(".")
    name = names.get(key) or names.get(section, section) + dot + rest
    return name, dict(spec.lines).get(name, 0)

"""Files of environment variables, by the rules of `docker run --env-file`."""

from __future__ import annotations

from localrun.errors import BadInput
from localrun.formats.gate import decode_text

_BLANKS = " \t"


def read_env_file(data: bytes, *, file: str) -> tuple[tuple[str, str | None], ...]:
    """Give the variables of a file in their order, a later one overriding an earlier one.

    `NAME=value` takes the value as it stands: quotes, `$`, `#` and blanks belong to it. `NAME` alone gives None: the
    caller's value, if it has one. Lines that start with `#` and empty lines are left out; blanks before a name are
    dropped. Source: the reference of `docker run --env-file`.

    Raises:
        BadInput: a name is missing or holds a blank, or the file is not UTF-8, too large, or holds a NUL.
    """
    found: list[tuple[str, str | None]] = []
    for number, raw in enumerate(decode_text(data, file=file).split("\n"), 1):
        line = raw.removesuffix("\r").lstrip(_BLANKS)
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            name = name.rstrip()
        if not name:
            raise BadInput(
                "a line starts with `=`: the name is missing", file=file, line=number, hint="write NAME=value"
            )
        if any(sign.isspace() for sign in name):
            hint = "write NAME=value without blanks before the `=`, and without `export`"
            raise BadInput(f"a name with a blank in it: {name!r}", file=file, line=number, hint=hint)
        found.append((name, value if equals else None))
    return tuple(found)

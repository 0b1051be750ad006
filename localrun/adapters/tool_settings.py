"""The settings of `[tool.localrun]` in the working directory's pyproject.toml, and the variables that go before them.

This is the one place where they are read. What a file format of Azure ML can say does not belong here.
"""

from __future__ import annotations

import os

from localrun.errors import BadInput
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FILE = "pyproject.toml"
SIZE_LIMIT = 1 << 20
"""A larger file is refused, in bytes."""
VARIABLES = {"registry": "LOCALRUN_REGISTRY", "target": "LOCALRUN_TARGET"}
"""For each setting the environment variable that goes before it."""


@value
class ToolSettings:
    """What a project says about how localrun works in it.

    Attributes:
        registry: Where images are pushed to and looked for, `host[:port][/prefix]`; empty for nowhere.
        target: Where runs happen that do not say it, `local` or `docker`; empty for what their environment asks for.
    """

    registry: str = ""
    target: str = ""


def read_tool_settings(folder: str, environ: Mapping[str, str]) -> ToolSettings:
    """Read the settings that hold in a folder.

    Args:
        folder: The working directory.
        environ: The caller's environment variables: LOCALRUN_REGISTRY goes before `registry`, even when it is empty,
            and LOCALRUN_TARGET before `target`.

    Raises:
        BadInput: the file cannot be read, or holds a key that is not known or not of its type.
    """
    path = os.path.join(folder, FILE)
    table = _read_table(path)
    for key, found in table.items():
        if key not in VARIABLES:
            from localrun.formats.nodes import nearest

            near = nearest(key, VARIABLES)
            hint = f"did you mean {near}?" if near else f"the keys are {', '.join(VARIABLES)}"
            raise BadInput("localrun has no such setting", file=path, key=f"tool.localrun.{key}", hint=hint)
        if not isinstance(found, str):
            message = f"a text is needed, not {found!r}"
            raise BadInput(message, file=path, key=f"tool.localrun.{key}", hint="put it in quotes")
    given = {key: environ[name].strip() for key, name in VARIABLES.items() if name in environ}
    return ToolSettings(**(table | given))


def _read_table(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", file=path, hint="make it readable") from None
    if len(data) > SIZE_LIMIT:
        raise BadInput("the file is too large", file=path, hint="keep settings in it, not data")
    if b"localrun" not in data:  # most files: nothing has to be parsed
        return {}
    tool = _parse(data, path).get("tool")
    table = tool.get("localrun", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise BadInput("a table is needed", file=path, key="tool.localrun", hint="write [tool.localrun]")
    return table


def _parse(data: bytes, path: str) -> dict[str, Any]:
    from localrun.adapters.toml import parse_toml

    try:
        return parse_toml(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not valid TOML: {error}", file=path, hint="correct the file") from None

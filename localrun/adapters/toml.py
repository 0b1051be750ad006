"""TOML, by Python's own reader, or before 3.11 by tomli, which it was made from."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def parse_toml(data: bytes) -> dict[str, Any]:
    """Give the content of a TOML file.

    Raises:
        ValueError: it is none, or not UTF-8.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    found: dict[str, Any] = tomllib.loads(data.decode())
    return found

"""What the sections have in common: declared attributes, and the mapping that they are in a file."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

from localrun.formats.nodes import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


class Section:
    """An object with declared attributes, each a key of a file; other attributes are refused.

    Copies share nothing. What a file says beyond the known keys is kept and written again.
    """

    KEYS: ClassVar[dict[str, str]] = {}
    """For each attribute its key in the file, in the file's order."""
    PARTS: ClassVar[dict[str, Any]] = {}
    """For an attribute that is a section, or a list of sections, their class."""

    _unknown: dict[str, Any]

    def __init__(self) -> None:
        self._unknown = {}

    def __setattr__(self, name: str, item: Any) -> None:
        if name not in self.KEYS and not hasattr(type(self), name) and not name.startswith("_"):
            raise AttributeError(f"{type(self)} has no attribute {name}" + self._suggest(name))
        super().__setattr__(name, item)

    def _suggest(self, name: str) -> str:
        near = nearest(name, self.KEYS)
        return f"; did you mean {near}?" if near else ""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self.to_document() == other.to_document()

    __hash__ = None  # type: ignore[assignment] # it can be changed

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={self._shown(name)}" for name in self.KEYS)
        return f"{type(self).__name__}({fields})"

    def _shown(self, name: str) -> str:
        return repr(getattr(self, name))

    def to_document(self) -> dict[str, Any]:
        """Give the mapping that it is in a file: plain data that nobody else holds."""
        found = {key: copy_plain(getattr(self, name)) for name, key in self.KEYS.items()}
        found.update(copy_plain(self._unknown))
        return found

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Make one from what `to_document` gave."""
        made = cls.__new__(cls)
        Section.__init__(made)
        for name, key in cls.KEYS.items():
            made._take(name, document.get(key))  # noqa: SLF001 - its own kind
        rest = {key: part for key, part in document.items() if key not in cls.KEYS.values()}
        made.__dict__["_unknown"] = copy_plain(rest)
        return made

    def _take(self, name: str, data: Any) -> None:
        part = self.PARTS.get(name)
        if part is not None and isinstance(data, list):
            data = [part.from_document(item) for item in data]
        elif part is not None and data is not None:
            data = part.from_document(data)
        else:
            data = copy_plain(data)
        self.__dict__[self._slot(name)] = data

    def _slot(self, name: str) -> str:
        """Give where an attribute is kept: under its name, or with `_` in front when it is a property."""
        return f"_{name}" if isinstance(getattr(type(self), name, None), property) else name


def copy_plain(item: Any) -> Any:
    """Copy plain data, sections in it as their mappings; nothing in the copy can be changed through the original."""
    if item is None or isinstance(item, str | int | float):
        return item
    if isinstance(item, dict):
        return {key: copy_plain(part) for key, part in item.items()}
    if isinstance(item, list | tuple):
        return [part if type(part) is str else copy_plain(part) for part in item]
    return item.to_document() if hasattr(item, "to_document") else copy.deepcopy(item)

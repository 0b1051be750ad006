"""Frozen values: what the stages hand to one another.

A class marked `@value` is what `dataclass(frozen=True, slots=True, kw_only=True)` would make of it. It is written out
here because importing `dataclasses` costs more than a warm run spends on all of its other imports together.
Type checkers see a dataclass.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    from typing_extensions import dataclass_transform

    T = TypeVar("T")

    @dataclass_transform(frozen_default=True, kw_only_default=True)
    def value(cls: type[T]) -> type[T]:
        """Make a frozen, slotted, keyword-only value class."""

else:

    def value(cls):  # noqa: ANN001, ANN201 - typed above
        """Make a frozen, slotted, keyword-only value class of the annotations of `cls`."""
        names = tuple(cls.__annotations__)
        body = {name: item for name, item in cls.__dict__.items() if name not in ("__dict__", "__weakref__")}
        body["__defaults"] = {name: body.pop(name) for name in names if name in body}
        body |= {"__slots__": names, "__init__": _init, "__eq__": _eq, "__hash__": _hash, "__repr__": _repr}
        body |= {"__setattr__": _refuse, "__delattr__": _refuse, "__match_args__": ()}
        return type(cls)(cls.__name__, cls.__bases__, body)


def _init(self: Any, **given: Any) -> None:
    cls = type(self)
    defaults = cls.__dict__["__defaults"]
    for name in cls.__slots__:
        if name in given:
            object.__setattr__(self, name, given.pop(name))
        elif name in defaults:
            object.__setattr__(self, name, defaults[name])
        else:
            raise TypeError(f"{cls.__name__} needs {name}=")
    if given:
        raise TypeError(f"{cls.__name__} has no field {', '.join(sorted(given))}")


def _eq(self: object, other: object) -> bool:
    if type(self) is not type(other):
        return False
    same: bool = fields(self) == fields(other)
    return same


def _hash(self: object) -> int:
    return hash((type(self), tuple(fields(self).values())))


def _repr(self: object) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={item!r}' for name, item in fields(self).items())})"


def _refuse(self: object, name: str, *_: object) -> None:
    raise AttributeError(f"{type(self).__name__}.{name} is read-only; values.replace makes a changed copy")


def fields(item: Any) -> dict[str, Any]:
    """Give the fields of a value by name, in the order of their declaration."""
    return {name: getattr(item, name) for name in type(item).__slots__}


def replace(item: T, **changes: Any) -> T:
    """Copy a value with some fields changed.

    Raises:
        TypeError: a name is not a field of the value.
    """
    return type(item)(**(fields(item) | changes))


def pack(item: object) -> Any:
    """Turn nested values into nested tuples and dicts that `marshal` can store; `unpack` is its inverse."""
    if isinstance(item, tuple):
        return tuple(map(pack, item))
    if hasattr(type(item), "__defaults"):
        return {"": type(item).__name__, **{name: pack(part) for name, part in fields(item).items()}}
    return item


def unpack(item: Any, classes: Mapping[str, type]) -> Any:
    """Turn what `pack` gave back into values.

    Args:
        item: What `pack` returned.
        classes: The value classes that may occur, by name.

    Raises:
        KeyError: a class is not in `classes`.
        TypeError: the fields are not those of the class.
    """
    if isinstance(item, tuple):
        return tuple([unpack(part, classes) for part in item])
    if isinstance(item, dict):
        rest = {name: unpack(part, classes) for name, part in item.items() if name}
        return classes[item[""]](**rest)
    return item


def plain(item: object) -> Any:
    """Turn nested values into what JSON can say: values as objects, tuples of pairs of names as lists."""
    if isinstance(item, tuple | list):
        return [plain(part) for part in item]
    if hasattr(type(item), "__defaults"):
        return {name: plain(part) for name, part in fields(item).items()}
    return item

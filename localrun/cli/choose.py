"""Which runs `ps` shows, and in which order: by what their records say."""

from __future__ import annotations

import re

from localrun.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from localrun.workspace.database import Row
    from localrun.workspace.run_files import Record

METRIC = "metric:"
FORM = re.compile(r"(metric:[^=<>!]+|(?:tags|params|properties)\.[^=<>!]+|[a-z_]+)(=|!=|>=|<=|>|<)(.*)", re.DOTALL)
FIELDS = ("run_id", "status", "exit_code", "experiment", "target", "started_at", "duration_s", "name", "kind")
HINT = "write tags.NAME=TEXT, params.NAME=TEXT, metric:NAME>NUMBER or status=failed"
SORT_HINT = f"sort by metric:NAME, params.NAME, tags.NAME or one of {', '.join(FIELDS)}"


def choose(
    rows: Sequence[Row], read: Callable[[str], Record], filters: Sequence[str], sort: str
) -> list[tuple[Row, object]]:
    """Give the rows that pass every filter, in order, each with the value that it is sorted by (None: it has none).

    Args:
        rows: Newest first.
        read: Gives the record of a run.
        filters: Such as `tags.x=y`, `metric:accuracy>0.9`, `status=failed`.
        sort: Such as `metric:accuracy` (the largest first) or `duration_s`; empty: the rows' order. Without a value
            comes last.

    Raises:
        BadInput: a filter or `sort` cannot be read.
    """
    tests = [_read_filter(text) for text in filters]
    if sort and not _is_key(sort):
        raise BadInput(f"{sort!r} is nothing to sort by", key="--sort", hint=SORT_HINT)
    found = []
    for row in rows:
        record = read(row[0])
        if all(test(record) for test in tests):
            found.append((row, look_up(record, sort) if sort else None))
    if sort:
        found.sort(key=lambda item: _rank(item[1]), reverse=True)
    return found


def look_up(record: Record, key: str) -> object:
    """Give what a record says of a key: a last metric, a tag, param or property, or a field; None when nothing."""
    if key.startswith(METRIC):
        return (record.get("metrics") or {}).get(key.removeprefix(METRIC))
    section, dot, name = key.partition(".")
    return (record.get(section) or {}).get(name) if dot else record.get(key)


def _is_key(key: str) -> bool:
    return key in FIELDS or key.startswith((METRIC, "tags.", "params.", "properties."))


def _rank(value: object) -> tuple[int, float, str]:
    number = _number(value)
    return (0, 0.0, "") if value is None else (1, 0.0, str(value)) if number is None else (2, number, "")


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, str | float | int) else None
    except (ValueError, OverflowError):
        return None
    return number if number == number else None  # noqa: PLR0124 - NaN has no place in an order


def _read_filter(text: str) -> Callable[[Record], bool]:
    found = FORM.fullmatch(text)
    if not found or not _is_key(found[1]):
        raise BadInput(f"{text!r} is no filter", key="--filter", hint=HINT)
    key, sign, wanted = found.groups()
    if sign in {"=", "!="}:
        return lambda record: _is_same(look_up(record, key), wanted) == (sign == "=")
    limit = _number(wanted)
    if limit is None:
        raise BadInput(f"{text!r} compares with what is no number", key="--filter", hint=HINT)

    def compare(record: Record) -> bool:
        number = _number(look_up(record, key))
        if number is None:
            return False
        return {">": number > limit, "<": number < limit, ">=": number >= limit, "<=": number <= limit}[sign]

    return compare


def _is_same(value: object, wanted: str) -> bool:
    if value is None:
        return wanted == ""
    number = _number(value)
    return str(value) == wanted or (number is not None and number == _number(wanted))

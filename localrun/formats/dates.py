"""The day that an environment is made as of."""

from __future__ import annotations

import re

from localrun.errors import BadInput

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_as_of(text: str, *, key: str) -> str:
    """Give the instant that a date or a time with its zone means, in UTC, as `2024-03-01T23:59:59Z`.

    Of a date the whole day counts, in UTC: the same text is the same instant everywhere.

    Args:
        text: `2024-03-01`, or a time as of RFC 3339, `2024-03-01T12:00:00Z`.
        key: Where it was said, for messages.

    Raises:
        BadInput: it is neither.
    """
    from datetime import datetime, timezone

    whole = f"{text}T23:59:59Z" if _DAY.fullmatch(text) else text
    try:
        found = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", whole))
        instant = found.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if found.tzinfo else ""
    except (ValueError, OverflowError):
        instant = ""
    if not instant:
        raise BadInput(
            f"{text!r} is not a date", key=key, hint="write it as 2024-03-01, or with a time as 2024-03-01T12:00:00Z"
        )
    return instant

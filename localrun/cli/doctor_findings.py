"""What a check of `localrun doctor` finds."""

from __future__ import annotations

from localrun.values import value

OK, WARNING, FAILED = "ok", "warning", "failed"


@value
class Finding:
    """What a check found.

    Attributes:
        name: What was looked at.
        status: `ok`, `warning` (something will not work, or not as well) or `failed` (runs will fail).
        says: What was found.
        hint: What to do; empty when nothing is to be done.
    """

    name: str
    status: str
    says: str
    hint: str = ""

"""Distributions: what each rank is told about the others.

What lives here: one file a distribution, pure. What does not: starting anything.
"""

from __future__ import annotations

from localrun.distributions import none, pytorch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DISTRIBUTIONS: dict[str, Callable[..., dict[str, str]]] = {"none": none.describe_rank, "pytorch": pytorch.describe_rank}
"""For each type of distribution the function that gives one rank's variables."""

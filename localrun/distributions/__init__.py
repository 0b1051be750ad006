"""Distributions: what each rank is told about the others.

What lives here: one file a distribution, pure, and the layout of nodes and ranks that all of them see.
What does not: starting anything.
"""

from __future__ import annotations

from localrun.distributions import mpi, none, pytorch, tensorflow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.distributions.layout import Layout, Member

DISTRIBUTIONS: dict[str, Callable[[Layout, Member], dict[str, str]]] = {
    "none": none.describe_rank,
    "pytorch": pytorch.describe_rank,
    "mpi": mpi.describe_rank,
    "tensorflow": tensorflow.describe_rank,
}
"""For each type of distribution the function that gives one rank's variables."""

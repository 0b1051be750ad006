"""No distribution: every node runs the command once, and the ranks know nothing of one another."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.distributions.layout import Layout, Member


def describe_rank(layout: Layout, member: Member) -> dict[str, str]:
    """Give the variables of one rank: none of its own."""
    del layout, member
    return {}

"""`localrun plan --explain`: what a run would find in the caches, and why not the rest."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.environments.explain import Explanation
    from localrun.plan import Plan


def explain_plan(plan: Plan, home: str) -> list[Explanation]:
    """Explain each cache that a run of a plan looks into.

    Raises:
        LocalrunError: no engine answers, for an image.
    """
    from localrun.environments.explain import explain_conda, tell_cache

    found = []
    if plan.environment.kind == "conda":
        found.append(explain_conda(plan.environment, home=home))
    if plan.environment.kind == "image":
        from localrun.environments.image import explain

        hit, lines = explain(plan.environment, home=home)
        image = plan.environment.image
        found.append(tell_cache("image", image.name if image else "", "; ".join(lines), hit=hit))
    if not plan.source.in_place:
        found.append(_explain_snapshot(plan, home))
    return found


def _explain_snapshot(plan: Plan, home: str) -> Explanation:
    from localrun.environments.explain import tell_cache
    from localrun.workspace.snapshot import list_source
    from localrun.workspace.snapshot_store import count_known

    root = os.path.dirname(plan.source.file) if plan.source.file else plan.source.directory
    entries = [entry for entry in list_source(plan.source, home=home) if entry.kind == "file"]
    known = count_known(home, root, tuple(entries))
    reason = f"{known:,} of {len(entries):,} files are as they were at the last snapshot"
    reason += "; the others are read" if known < len(entries) else ""
    return tell_cache("snapshot", root, reason, hit=known == len(entries))


def print_explanations(found: list[Explanation], *, as_json: bool) -> None:
    """Print explanations: a block of lines for each cache, or an object with `caches`."""
    from localrun.cli.show import document, write
    from localrun.environments.explain import tell
    from localrun.escaping import escape

    if as_json:
        write(document({"caches": found}))
        return
    lines = []
    for item in found:
        first, *rest = tell(item)
        lines += [f"{item['cache']:<12} {first}", *(f"{'':<12} {line}" for line in rest)]
    write("".join(f"{escape(line)}\n" for line in lines))

"""How a plan is printed."""

from __future__ import annotations

import os

from localrun.cli.show import document, write
from localrun.escaping import escape
from localrun.plan import MASTER_PORT, RUN_FOLDER, RUN_ID, describe_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import Artifact, Plan

TOKENS = {RUN_ID: "<run id>", RUN_FOLDER: "<run folder>", MASTER_PORT: "<free port>"}
"""What stands in a plan for what only the run will know."""


def print_plan(
    plan: Plan, artifact: Artifact | None, home: str, *, as_json: bool, reasons: tuple[str, ...] = ()
) -> None:
    """Print a plan.

    Args:
        plan: The plan.
        artifact: Its environment when it is cached; None when it has to be made.
        home: The workspace.
        as_json: As a JSON object: the plan's fields, `cached`, `reasons`, and `prefix` where the environment is or will
            be.
        reasons: Where the environment comes from, and why not from somewhere else; one line each.
    """
    image = plan.environment.image
    prefix = os.path.join(home, "environments", plan.environment.name) if plan.environment.name else ""
    prefix = image.prefix if image else prefix
    if as_json:
        from localrun.supervise.describe import describe_plan

        write(
            document(describe_plan(plan) | {"cached": artifact is not None, "reasons": list(reasons), "prefix": prefix})
        )
        return
    lines = [f"{name:<13}{text}" for name, text in _describe(plan, artifact, prefix, reasons) if text]
    write("".join(f"{escape(fill_tokens(line))}\n" for line in lines))


def _describe(plan: Plan, artifact: Artifact | None, prefix: str, reasons: tuple[str, ...]) -> list[tuple[str, str]]:
    ranks = f"{len(plan.ranks)} ({plan.nodes} nodes × {plan.processes_per_node}, {plan.distribution})"
    rows = [
        ("target", plan.target),
        ("experiment", plan.experiment),
        ("source", _describe_source(plan)),
        ("command", describe_command(plan.argv)),
        ("ranks", ranks if len(plan.ranks) > 1 else "1"),
        (
            "bootstrap",
            f"{plan.bootstrap} (the ranks wait {plan.barrier_timeout_s:g} s at most)" if plan.bootstrap else "",
        ),
        ("environment", _describe_environment(plan)),
    ]
    if plan.environment.image:
        from localrun.cli.show_container import describe_image

        rows += describe_image(plan.environment, artifact, reasons)
    elif prefix:
        rows.append(("", f"fingerprint {plan.environment.fingerprint}"))
        rows.append(("", f"cached in {prefix}" if artifact else f"to be made in {prefix}"))
    rows += _describe_packages(plan) if prefix else []
    if plan.container:
        from localrun.cli.show_container import describe_containers

        rows += describe_containers(plan.container, plan.nodes)
    rows += [("input", f"{item.name} = {item.path}{' (copied)' if item.copied else ''}") for item in plan.inputs]
    rows += [("output", f"{item.name} = {RUN_FOLDER}/{item.path}") for item in plan.outputs]
    rows += [("variable", f"{name}={mask(name, text)}") for name, text in plan.variables]
    rows += [("variable", f"{name} {_tell_origin(plan, name)}") for name in plan.inherited]
    rows += _describe_ranks(plan)
    rows.append(("time limit", f"{plan.timeout_s:g} s" if plan.timeout_s else ""))
    rows += [("note", note) for note in plan.notes]
    return rows


def _tell_origin(plan: Plan, name: str) -> str:
    secret = dict(plan.secrets).get(name)
    if secret:
        return f"(the secret {secret})"
    return "(given in plain text, not shown)" if name in plan.withheld else "(of this shell)"


def _describe_packages(plan: Plan) -> list[tuple[str, str]]:
    environment = plan.environment
    wanted = (("conda", environment.conda), ("pip", environment.pip))
    rows = [("", f"{engine} {' '.join(specs)}") for engine, specs in wanted if specs]
    return [*rows, ("", f"channels {' '.join(environment.channels) or 'of your conda settings'}")]


def _describe_ranks(plan: Plan) -> list[tuple[str, str]]:
    """Give what all ranks are told once, and for each rank what only it is told."""
    shared = set(plan.ranks[0].variables).intersection(*(rank.variables for rank in plan.ranks))
    rows = [
        ("every rank", " ".join(f"{name}={text}" for name, text in plan.ranks[0].variables if (name, text) in shared))
    ]
    for rank in plan.ranks:
        own = " ".join(f"{name}={text}" for name, text in rank.variables if (name, text) not in shared)
        rows.append((f"rank {rank.rank}", own))
    return rows


def _describe_source(plan: Plan) -> str:
    if not plan.source.directory and not plan.source.file:
        return "an empty folder"
    where = plan.source.file or plan.source.directory
    return f"{where} (in place)" if plan.source.in_place else f"{where} (a snapshot of it)"


def _describe_environment(plan: Plan) -> str:
    environment = plan.environment
    if environment.image and not environment.name:
        return environment.label
    if environment.kind == "interpreter":
        return f"{environment.label}: {environment.interpreter}"
    return f"{environment.label}: {environment.name}"


def mask(name: str, text: str) -> str:
    """Give a variable's value as it may be shown: three stars for a secret, and for what is only called like one."""
    from localrun.formats.secret_names import NAME, looks_secret

    return "***" if NAME.fullmatch(name) or looks_secret(name, text) else text


def fill_tokens(text: str) -> str:
    """Put words for people in place of a plan's tokens."""
    for token, words in TOKENS.items():
        text = text.replace(token, words)
    while "{localrun:port-" in text:  # of ranks beside the first
        before, _, rest = text.partition("{localrun:port-")
        text = f"{before}<free port>{rest.partition('}')[2]}"
    return text

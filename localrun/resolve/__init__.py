"""Resolve: a run configuration and the facts of the host give the plan.

What lives here: pure decisions. What does not: clock, disk, network and `os.environ`, which arrive as arguments.
"""

from __future__ import annotations

import os
import re

from localrun.errors import NotRunnable
from localrun.formats.expressions import substitute
from localrun.plan import RUN_FOLDER, STARTER, EnvironmentPlan, Plan
from localrun.resolve.assets import check_outputs, describe_assets, place_input, place_output, plan_inputs, plan_outputs
from localrun.resolve.context import describe_context
from localrun.resolve.locks import note_lock, plan_packages
from localrun.resolve.ranks import check_counts, name_variables, plan_ranks
from localrun.resolve.refusal import locate, refuse
from localrun.resolve.secrets import note_withheld, plan_secrets, plan_withheld
from localrun.resolve.source import plan_source
from localrun.resolve.target import choose_target, name_hosts, note_image, note_unused, without_container
from localrun.resolve.variables import (
    BY_LAUNCH,
    NEVER,
    check_variable,
    describe_mlflow,
    describe_run,
    merge_layers,
)
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from localrun.plan import ContainerPlan
    from localrun.resolve.facts import HostFacts
    from localrun.spec import RunSpec

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
"""What may name an experiment or a run: the one is part of a folder's name, the other is given on command lines."""
NAME_HINT = "use letters, digits, dot, dash and underscore, 200 at most, a letter or digit first"
LONGEST_S = 10**9
"""The largest number of seconds that is a time limit, some thirty years."""

AS_ASKED = (
    *("barrier_timeout_s", "timeout_s", "stop_timeout_s", "rank_timeout_s", "on_failure", "timestamps", "sample_usage"),
    *("terminal_rank", "terminal", "debug_rank", "name", "description", "tags", "outputs_directory", "shim"),
)
"""What a plan has unchanged from the run configuration, under the same names."""
_START = "os.execv(sys.executable, [sys.executable, sys.argv[1], *map(os.path.expandvars, sys.argv[2:])])"
_ADD_PROJECT = "os.environ['PYTHONPATH'] = ':'.join(filter(None, (os.environ.get('PYTHONPATH'), os.getcwd())))"
EXPANDING = (*STARTER, f"import os, sys; {_START}")
"""How Python starts a script with the variables of its own rank in its arguments: a name without a value stays."""
BELOW = (*STARTER, f"import os, sys; {_ADD_PROJECT}; {_START}")
"""The same for a script in a folder of the project, which may import modules of the project's own folder.

Source: Azure ML's runtime puts the script's folder first and the working directory last among the places of modules.
"""


def resolve(spec: RunSpec, facts: HostFacts) -> Plan:
    """Decide everything about a run that can be decided before it exists.

    Raises:
        BadInput: something that was asked for contradicts itself, is not there, or cannot be run here.
        NotRunnable: the script or the interpreter does not exist.
    """
    spec = _settle_target(spec)
    check_counts(spec)
    check_times(spec)
    check_name(spec)
    source = plan_source(spec, facts)
    experiment = name_experiment(spec, facts)
    environment = plan_environment(spec, facts, spec.target)
    if spec.environment is not None:
        environment = replace(environment, registered=spec.environment.registered)
    ranks = plan_ranks(spec, name_hosts(spec))
    check_looking(spec, len(ranks) - 1)
    kinds = dict(facts.paths)
    inputs = plan_inputs(spec, kinds)
    check_outputs(spec, kinds)
    placed = {item.name: place_input(item) for item in spec.inputs}
    plan = Plan(
        target=spec.target,
        experiment=experiment,
        environment=environment,
        source=source,
        argv=plan_command(spec, placed),
        ranks=ranks,
        nodes=spec.nodes,
        processes_per_node=-(-len(ranks) // spec.nodes),
        distribution=spec.distribution.type,
        fallbacks=_plan_fallbacks(len(ranks), facts),
        inputs=inputs,
        outputs=plan_outputs(spec),
        bootstrap=plan_bootstrap(spec, kinds),
        overlay=environment.kind == "conda" or bool(spec.bootstrap or spec.command),
        notes=gather_notes(spec, environment),
        container=_plan_container(spec, facts),
        **_as_asked(spec),
    )
    return _lay_variables(spec, plan, placed)


def _settle_target(spec: RunSpec) -> RunSpec:
    """Give the run configuration with its target chosen, and what is said of containers read or refused."""
    target = choose_target(spec)
    if target == "local":
        return replace(without_container(spec), target=target)
    from localrun.resolve.container import settle_arguments

    return replace(settle_arguments(spec), target=target)


def _plan_container(spec: RunSpec, facts: HostFacts) -> ContainerPlan | None:
    if spec.target != "docker":
        return None
    from localrun.resolve.container import plan_container

    return plan_container(spec, facts)


def _as_asked(spec: RunSpec) -> dict[str, Any]:
    """Give the fields of a plan that are what was asked for."""
    return {name: getattr(spec, name) for name in AS_ASKED} | {"display_name": spec.display_name or spec.name}


def _lay_variables(spec: RunSpec, plan: Plan, placed: dict[str, str]) -> Plan:
    """Give a plan with the variables of its ranks."""
    own = describe_run(spec, plan.experiment) | describe_assets(spec, placed)
    rank_names = name_variables(spec, plan.ranks)
    secrets = plan_secrets(spec, {*own, *rank_names, *BY_LAUNCH})
    own |= describe_context(spec, plan.environment, secrets)
    variables = _merge_variables(spec, plan.experiment, own, placed, rank_names)
    variables = {name: text for name, text in variables.items() if name not in dict(secrets)}
    withheld = plan_withheld(variables, {*own, *rank_names})
    return replace(
        plan,
        variables=tuple(sorted(variables.items())),
        inherited=(*spec.inherited, *dict(secrets)),
        secrets=secrets,
        withheld=withheld,
        notes=(*plan.notes, *note_withheld(spec, withheld)),
        own=tuple(sorted({*own, *rank_names, *NEVER})),
    )


def name_experiment(spec: RunSpec, facts: HostFacts) -> str:
    """Give the experiment's name: as given, else the name of the source folder with other characters made `-`.

    Raises:
        BadInput: a given name has characters that a folder's name should not have.
    """
    if not spec.experiment_name:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", facts.folder_name).strip("-._")[:60]
        return name or "run"
    if not NAME.fullmatch(spec.experiment_name):
        message = f"{spec.experiment_name!r} cannot name an experiment"
        raise refuse(spec, message, key="experiment_name", flag="--experiment", hint=NAME_HINT)
    return spec.experiment_name


def check_name(spec: RunSpec) -> None:
    """Refuse a name that would not do on a command line.

    Raises:
        BadInput: it has other characters than names have.
    """
    if spec.name and not NAME.fullmatch(spec.name):
        raise refuse(spec, f"{spec.name!r} cannot name a run", key="name", flag="--name", hint=NAME_HINT)


def check_times(spec: RunSpec) -> None:
    """Refuse time limits that are none.

    Raises:
        BadInput: one is negative or not a number.
    """
    for key, flag, seconds in (
        ("limits.timeout", "--timeout", spec.timeout_s),
        ("", "--barrier-timeout", spec.barrier_timeout_s),
        ("", "--stop-timeout", spec.stop_timeout_s),
        ("", "--rank-timeout", spec.rank_timeout_s),
    ):
        if not 0 <= seconds <= LONGEST_S:
            message = f"expected seconds from 0 to {LONGEST_S:,}, found {seconds:g}"
            raise refuse(spec, message, key=key, flag=flag, hint=f"give {flag} a number such as 60")


def check_looking(spec: RunSpec, last: int) -> None:
    """Refuse a terminal or debugger for a rank that the run does not have.

    Raises:
        BadInput: it has fewer ranks.
    """
    for rank in (spec.terminal_rank, spec.debug_rank):
        if rank > last:
            hint = "its only rank is 0" if last == 0 else f"its ranks are 0 to {last}"
            raise refuse(spec, f"the run has no rank {rank}", key="", flag="--rank", hint=hint)


def plan_command(spec: RunSpec, placed: dict[str, str]) -> tuple[str, ...]:
    """Plan what every rank executes.

    Raises:
        BadInput: the command refers to an input or output that the job does not have.
    """
    if spec.script:
        script = os.path.relpath(spec.script, spec.source_directory)
        script = f"./{script}" if script.startswith("-") else script
        if spec.container.working_directory and spec.target == "docker":
            folder = spec.source_directory if spec.in_place else f"{RUN_FOLDER}/wd"
            script = os.path.normpath(os.path.join(folder, script))
        return ("python", *_start_as_azure(spec, script), script, *spec.arguments)
    return ("bash", "-c", _substitute(spec, spec.command, placed, "command"))


def _start_as_azure(spec: RunSpec, script: str) -> tuple[str, ...]:
    """Give what stands between Python and the script of a v1 run configuration; a script of the user's own has none."""
    if not spec.expand_arguments:
        return ()
    if os.path.dirname(script) not in {"", "."} and not os.path.isabs(script):
        return BELOW
    return EXPANDING if any("$" in argument for argument in spec.arguments) else ()


def _substitute(spec: RunSpec, text: str, placed: dict[str, str], key: str) -> str:
    outputs = {item.name: f"{RUN_FOLDER}/{place_output(item.name)}" for item in spec.outputs}
    return substitute(text, inputs=placed, outputs=outputs, file=spec.file, line=dict(spec.lines).get(key, 0), key=key)


def plan_environment(spec: RunSpec, facts: HostFacts, target: str = "local") -> EnvironmentPlan:
    """Plan what to run in: an image for the docker target; else a conda environment or an interpreter.

    Raises:
        BadInput: the local target is meant and the environment has an image and nothing else; or the docker target is
            meant and it has none.
        NotRunnable: the interpreter does not exist.
    """
    asked = spec.environment
    if target == "docker":
        from localrun.resolve.image import plan_image

        return plan_image(spec, facts)
    if asked is not None and asked.python is not None:
        label = asked.name or os.path.basename(asked.file) or "inline environment"
        return plan_packages(EnvironmentPlan(kind="conda", label=label), asked.python, facts.platform, facts)
    if asked is not None and asked.image and not asked.interpreter:
        message = f"the environment is the image {asked.image}, which the local target cannot run in"
        hint = "leave -t local out, or give -E with a conda file, a requirements.txt or interpreter:PATH"
        raise refuse(spec, message, key="environment", flag="-E", hint=hint)
    if not facts.interpreter:
        name = asked.interpreter if asked is not None and asked.interpreter else "python3"
        hint = "install it, or name another with -E interpreter:PATH, such as interpreter:venv/bin/python"
        raise NotRunnable(f"there is no interpreter {name}", hint=hint)
    label = "the Python of this shell" if asked is None else f"the interpreter {asked.interpreter}"
    return EnvironmentPlan(kind="interpreter", interpreter=facts.interpreter, label=label, platform=facts.platform)


def plan_bootstrap(spec: RunSpec, kinds: dict[str, str]) -> str:
    """Plan the bootstrap script: relative to the snapshot when it lies inside, else absolute.

    Raises:
        NotRunnable: it is not there.
    """
    if not spec.bootstrap:
        return ""
    if kinds.get(spec.bootstrap) != "file":
        raise NotRunnable(f"there is no bootstrap script {spec.bootstrap}", hint="check the path after --bootstrap")
    inside = spec.source_directory and spec.bootstrap.startswith(spec.source_directory.rstrip(os.sep) + os.sep)
    return os.path.relpath(spec.bootstrap, spec.source_directory) if inside and not spec.source_file else spec.bootstrap


def gather_notes(spec: RunSpec, environment: EnvironmentPlan) -> tuple[str, ...]:
    """Gather what the user should know before the run, one line each."""
    notes = list(spec.notes)
    if spec.cloud_keys:
        them = "it" if len(spec.cloud_keys) == 1 else "them"
        notes.append(f"ignored, because only Azure ML uses {them}: {', '.join(spec.cloud_keys)}")
    notes += note_lock(spec.environment.python if spec.environment else None, environment)
    if environment.kind != "image":
        notes += [*note_image(spec), *note_unused(spec)]
    elif spec.nodes > 1 and spec.container.ports:
        notes.append("the ports of the first node are published, those of the others are not")
    return tuple(notes)


def _merge_variables(
    spec: RunSpec, experiment: str, own: dict[str, str], placed: dict[str, str], rank_names: set[str]
) -> dict[str, str]:
    environment = spec.environment.environment_variables if spec.environment else ()
    asked = [
        (name, _substitute(spec, text, placed, f"environment_variables.{name}") if "${{" in text else text)
        for name, text in spec.environment_variables
    ]
    set_here = {*own, *rank_names, *BY_LAUNCH}
    for name, text in (*environment, *asked, *((name, "") for name in spec.inherited)):
        key, line = locate(spec, f"environment_variables.{name}")
        check_variable(
            name, text, set_here, file=spec.file if line else "", line=line, key=key if line else "-e, --env-file"
        )
    merged = merge_layers(describe_mlflow(experiment).items(), environment, asked, own.items())
    return {name: text for name, text in merged.items() if name not in spec.inherited}


def _plan_fallbacks(ranks: int, facts: HostFacts) -> tuple[tuple[str, str], ...]:
    unbuffered = (("PYTHONUNBUFFERED", "1"),)  # a line is seen when it is printed, not when a buffer is full
    if ranks == 1:
        return unbuffered
    return (("OMP_NUM_THREADS", str(max(1, facts.cpu_count // ranks))), *unbuffered)

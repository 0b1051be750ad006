"""From the command line to a run configuration: SOURCE is read, and the flags are laid over it."""

from __future__ import annotations

import os

from localrun.adapters.files import read_named
from localrun.cli.container_options import lay_container
from localrun.errors import BadInput
from localrun.resolve.variables import check_variable
from localrun.spec import DistributionSpec, EnvironmentSpec, RunSpec
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.adapters.files import Reading
    from localrun.cli.flags import Flags

JOB_FILES = (".yml", ".yaml")
"""Endings of job files; everything else is a Python script."""
KEYS = {
    "resources.instance_count": "nodes",
    "distribution.process_count_per_instance": "processes",
    "distribution.type": "distribution",
    "limits.timeout": "timeout_s",
    "experiment_name": "experiment",
    "name": "name",
    "code": "source_directory",
    "environment": "environment",
    "nodeCount": "nodes",
    "pytorch.processCount": "processes",
    "communicator": "distribution",
    "maxRunDurationSeconds": "timeout_s",
    "docker.useDocker": "target",
    "resources.shm_size": "shm_size",
    "docker.shmSize": "shm_size",
}
"""For keys of a job file or a run configuration the flag that replaces them: an error then speaks of the flag."""


def read_request(flags: Flags, reading: Reading) -> RunSpec:
    """Read what SOURCE names and lay the flags over it.

    Raises:
        BadInput: the flags contradict one another, or a file cannot be used.
    """
    spec = _lay_flags(_lay_settings(_lay_lock(_read_source(flags, reading), reading), reading), flags)
    if flags.environment:
        environment = _read_environment(flags.environment, reading)
        spec = replace(spec, environment=environment, notes=spec.notes + environment.notes)
    if flags.as_of:
        spec = _lay_date(spec, flags.as_of)
    return _lay_variables(spec, flags, reading)


def _lay_lock(spec: RunSpec, reading: Reading) -> RunSpec:
    """Lay the lock beside the conda file of a job or run configuration over its packages."""
    if spec.environment is None or spec.environment.python is None:
        return spec
    from localrun.formats.lock_beside import lay_lock_beside

    environment = lay_lock_beside(spec.environment, read=reading.read, look=reading.look)
    return replace(spec, environment=environment)


def _lay_date(spec: RunSpec, text: str) -> RunSpec:
    from localrun.formats.dates import read_as_of

    as_of = read_as_of(text, key="--as-of")
    if spec.environment is None or spec.environment.python is None:
        hint = "leave it out, or name an environment with -E whose packages are to be solved"
        raise BadInput(
            "the environment has no conda or pip packages that a date could choose", key="--as-of", hint=hint
        )
    python = replace(spec.environment.python, as_of=as_of)
    return replace(spec, environment=replace(spec.environment, python=python))


def _read_source(flags: Flags, reading: Reading) -> RunSpec:
    if flags.command and flags.source:
        raise BadInput("--command and SOURCE were both given", hint="give one of them", key=flags.source)
    if flags.command:
        return RunSpec(command=flags.command, source_directory=os.path.abspath(flags.source_directory or "."))
    if flags.run_config or _is_run_configuration(flags.source):
        return _read_run_configuration(flags, reading)
    if not flags.source:
        hint = 'localrun run train.py, localrun run job.yml, or localrun run --command "…" --source DIR'
        raise BadInput("nothing to run was given", hint=hint)
    source = flags.source
    if reading.look(os.path.abspath(source)) == "folder":
        source = _find_job(source, reading)
    if source.endswith(JOB_FILES):
        return _read_job(source, flags, reading)
    if flags.overrides:
        raise BadInput("it changes keys of a job file, and SOURCE is a script", hint="leave --set out", key="--set")
    path = os.path.abspath(source)
    folder = os.path.abspath(flags.source_directory) if flags.source_directory else os.path.dirname(path)
    return RunSpec(script=path, arguments=flags.arguments, source_directory=folder)


def _find_job(folder: str, reading: Reading) -> str:
    for name in ("job.yml", "job.yaml"):
        path = os.path.join(folder, name)
        if reading.look(os.path.abspath(path)) == "file":
            return path
    raise BadInput(f"the folder {folder} holds no job.yml", hint="name the script or the job file in it")


def _read_job(file: str, flags: Flags, reading: Reading) -> RunSpec:
    from localrun.formats.job import read_command_job

    if flags.arguments:
        first = flags.arguments[0]
        hint = "use --set inputs.NAME=VALUE"
        if first.startswith("-"):
            hint = f"options stand before it: {' '.join(flags.arguments)} {file}"
        raise BadInput(f"a job file takes no arguments: {first}", file=file, hint=hint)
    spec = read_command_job(
        read_named(file, reading),
        file=file,
        read=reading.read,
        overrides=tuple(map(_split_pair, flags.overrides)),
        environment_given=bool(flags.environment),
        find_registered=_find_registered(reading),
    )
    if flags.source_directory:
        return replace(spec, source_directory=os.path.abspath(flags.source_directory))
    if spec.source_directory and reading.look(spec.source_directory) == "file":
        return replace(spec, source_file=spec.source_directory, source_directory=os.path.dirname(spec.source_directory))
    return spec


def _is_run_configuration(source: str) -> bool:
    folder, name = os.path.split(os.path.abspath(source))
    in_its_folder = os.path.basename(folder) in {".azureml", "aml_config"} and "." not in name
    return source.endswith(".runconfig") or (bool(source) and in_its_folder)


def _read_run_configuration(flags: Flags, reading: Reading) -> RunSpec:
    from localrun.cli.run_configuration import read_run_configuration_source

    def find_environment(name: str, version: str) -> EnvironmentSpec:
        return _read_environment(f"{name}:{version}" if version else name, reading)

    overrides = tuple(map(_split_pair, flags.overrides))
    return read_run_configuration_source(flags, reading, overrides, find_environment)


def _read_environment(reference: str, reading: Reading) -> EnvironmentSpec:
    kind, colon, rest = reference.partition(":")
    if colon and kind == "interpreter":
        if not rest:
            raise BadInput(f"{reference} names no interpreter", key="-E", hint="write -E interpreter:python3")
        return EnvironmentSpec(interpreter=rest)
    from localrun.formats.environment import read_environment

    return read_environment(
        reference,
        read=reading.read,
        is_directory=lambda path: reading.look(path) == "folder",
        find_registered=_find_registered(reading),
    )


def _find_registered(reading: Reading) -> Callable[[str], dict[str, Any] | None]:
    """Give the function that finds registered and curated environments by reference; nothing is opened before."""

    def find(reference: str) -> dict[str, Any] | None:
        from localrun.catalogue.lookup import find_registered
        from localrun.workspace.home import open_home

        return find_registered(open_home(os.environ), reference, look=reading.watch)

    return find


def _lay_settings(spec: RunSpec, reading: Reading) -> RunSpec:
    """Lay the project's own settings over what a file says."""
    from localrun.adapters.tool_settings import FILE, read_tool_settings

    folder = os.getcwd()
    reading.watch(os.path.join(folder, FILE))
    settings = read_tool_settings(folder, os.environ)
    return replace(spec, target=settings.target) if settings.target else spec


def _lay_flags(spec: RunSpec, flags: Flags) -> RunSpec:
    given: dict[str, Any] = {
        "nodes": flags.nodes,
        "barrier_timeout_s": flags.barrier_timeout_s,
        "timeout_s": flags.timeout_s,
        "stop_timeout_s": flags.stop_timeout_s,
        "rank_timeout_s": flags.rank_timeout_s,
        "experiment_name": flags.experiment or None,
        "name": flags.name or None,
        "target": flags.target or None,
        "container": lay_container(spec.container, flags.container),
        "bootstrap": os.path.abspath(flags.bootstrap) if flags.bootstrap else None,
        "outputs_directory": os.path.abspath(flags.outputs_directory) if flags.outputs_directory else None,
    }
    distribution = spec.distribution
    if flags.processes is not None:
        distribution = replace(distribution, processes_per_node=flags.processes)
    if flags.distribution:
        distribution = replace(distribution, type=flags.distribution)
    elif distribution.type == "none" and distribution.processes_per_node > 1:
        distribution = DistributionSpec(type="pytorch", processes_per_node=distribution.processes_per_node)
    return replace(
        spec,
        distribution=distribution,
        in_place=flags.in_place or spec.in_place,
        snapshot_limited=not flags.no_snapshot_limit,
        task_index=flags.task_index,
        on_failure=flags.on_failure,
        timestamps=flags.timestamps,
        sample_usage=flags.sample_usage,
        **_lay_looking(flags),
        secrets=tuple(map(_split_secret, flags.secrets)),
        shim=not flags.no_shim,
        lines=tuple((key, line) for key, line in spec.lines if not _is_given(flags, KEYS.get(key, ""))),
        **{name: item for name, item in given.items() if item is not None},
    )


def _is_given(flags: Flags, name: str) -> bool:
    return name in dict(flags.container) or getattr(flags, name, None) not in {None, ""}


def _lay_looking(flags: Flags) -> dict[str, Any]:
    rank = flags.rank or 0
    interactive = flags.interactive or flags.terminal
    if flags.rank is not None and not (interactive or flags.debug):
        hint = "give it with -it (that rank has the terminal) or --debug (it waits for a debugger)"
        raise BadInput("it names a rank, but nothing is asked of that rank", key="--rank", hint=hint)
    return {
        "terminal_rank": rank if interactive else -1,
        "terminal": flags.terminal,
        "debug_rank": rank if flags.debug else -1,
    }


def _lay_variables(spec: RunSpec, flags: Flags, reading: Reading) -> RunSpec:
    pairs: list[tuple[str, str | None]] = []
    for file in flags.variable_files:
        pairs += _read_variables(file, reading)
    for text in flags.variables:
        name, equals, given = text.partition("=")
        if not name:
            hint = "write -e NAME=VALUE, or -e NAME to pass it on"
            raise BadInput(f"{text!r} names no variable", key="-e", hint=hint)
        pairs.append((name, given if equals else None))
    variables = dict(spec.environment_variables)
    inherited: dict[str, None] = {}
    for name, given_text in pairs:
        variables.pop(name, None)
        inherited.pop(name, None)
        if given_text is None:
            inherited[name] = None
        else:
            variables[name] = given_text
    replaced = {f"{key}.{name}" for name, _ in pairs for key in ("environment_variables", "environmentVariables")}
    lines = tuple((key, line) for key, line in spec.lines if key not in replaced)
    return replace(spec, environment_variables=tuple(variables.items()), inherited=tuple(inherited), lines=lines)


def _read_variables(file: str, reading: Reading) -> tuple[tuple[str, str | None], ...]:
    from localrun.formats.env_file import read_env_file

    data = read_named(file, reading)
    pairs = read_env_file(data, file=file)
    for name, text in pairs:
        start = f"{name}={text or ''}".encode()[:100]
        lines = [number for number, line in enumerate(data.split(b"\n"), 1) if line.lstrip().startswith(start)]
        check_variable(name, text or "", file=file, line=lines[-1] if lines else 0, key=name)
    return pairs


def _split_secret(text: str) -> tuple[str, str]:
    from localrun.formats.secret_references import check_secret_name, name_variable

    name, equals, variable = text.partition("=")
    check_secret_name(name, key="--secret")
    if equals and not variable:
        raise BadInput(f"{text!r} names no variable", key="--secret", hint=f"write --secret {name}, or {name}=VARIABLE")
    return variable or name_variable(name), name


def _split_pair(text: str) -> tuple[str, str]:
    key, equals, given = text.partition("=")
    if not equals or not key:
        raise BadInput(f"{text!r} sets nothing", key="--set", hint="write --set inputs.epochs=3")
    return key, given

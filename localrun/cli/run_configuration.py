"""A v1 run configuration as SOURCE: `NAME.runconfig`, or a project's folder and `--run-config NAME`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localrun.adapters.files import read_named
from localrun.errors import BadInput
from localrun.formats.runconfig import find_run_configuration, read_run_configuration
from localrun.formats.runconfig_spec import spec_of_runconfig
from localrun.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.adapters.files import Reading
    from localrun.cli.flags import Flags
    from localrun.spec import EnvironmentSpec, RunSpec


def read_run_configuration_source(
    flags: Flags,
    reading: Reading,
    overrides: tuple[tuple[str, str], ...],
    find_environment: Callable[[str, str], EnvironmentSpec],
) -> RunSpec:
    """Give what a run configuration and the arguments after it ask for.

    Args:
        flags: The options as given: SOURCE is the file, or the folder in which `--run-config` is looked for.
        reading: Reads the files.
        overrides: The pairs of `--set`.
        find_environment: Gives a registered environment by its name and version.

    Raises:
        BadInput: there is no such run configuration, or something in it cannot be used.
    """
    source = flags.source or "."
    if flags.run_config and reading.look(os.path.abspath(source)) == "file":
        message = f"it names a run configuration in a project's folder, and {source} is a file"
        raise BadInput(message, key="--run-config", hint=f"write localrun run --run-config {flags.run_config} FOLDER")
    path = find_run_configuration(source, flags.run_config, look=reading.look)
    file = os.path.relpath(path) if not os.path.isabs(source) else path
    found = read_run_configuration(
        read_named(file, reading),
        file=file,
        read=reading.read,
        project=source if flags.run_config else "",
        overrides=overrides,
        environment_wanted=not flags.environment,
    )
    spec = spec_of_runconfig(
        _lay_arguments(found.document, flags.arguments, file),
        directory=os.path.abspath(flags.source_directory) if flags.source_directory else found.project,
        packages=found.packages,
        file=file,
        lines=found.lines,
        read=reading.read,
        find_environment=find_environment,
    )
    return replace(spec, notes=found.notes + spec.notes)


def _lay_arguments(document: dict[str, Any], arguments: tuple[str, ...], file: str) -> dict[str, Any]:
    """Put the arguments of the command line in the place of the file's; without a script the first one names it."""
    if not arguments:
        return document
    if document["command"]:
        hint = "use --set command=…, or name a run configuration with a script"
        raise BadInput(f"a run configuration with a command takes no arguments: {arguments[0]}", file=file, hint=hint)
    if document["script"]:
        return document | {"arguments": list(arguments)}
    return document | {"script": arguments[0], "arguments": list(arguments[1:])}

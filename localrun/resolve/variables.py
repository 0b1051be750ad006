"""Environment variables: their layers, and what may not stand in one."""

from __future__ import annotations

from localrun.errors import BadInput
from localrun.plan import RUN_FOLDER, RUN_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from localrun.spec import RunSpec

LONGEST = 131_071
"""Bytes of `NAME=value` that Linux takes for one variable (MAX_ARG_STRLEN less its final NUL)."""


def check_variable(name: str, text: str, *, file: str = "", line: int = 0, key: str = "") -> None:
    """Refuse what no process can be given.

    Raises:
        BadInput: the name is empty or holds `=` or NUL, the value holds NUL, or both are too long together.
    """
    key = key or name
    if not name or "=" in name or "\0" in name:
        hint = "a name has at least one character, and neither = nor a NUL byte"
        raise BadInput(
            f"{name!r} cannot be the name of an environment variable", file=file, line=line, key=key, hint=hint
        )
    if "\0" in text:
        message = f"the value of {name} contains a NUL byte"
        raise BadInput(message, file=file, line=line, key=key, hint="remove the NUL byte")
    size = len(f"{name}={text}".encode(errors="surrogateescape"))
    if size > LONGEST:
        hint = "pass the path of a file that holds the value"
        message = f"{name} is {size:,} bytes; Linux takes {LONGEST:,} for NAME=value"
        raise BadInput(message, file=file, line=line, key=key, hint=hint)


def merge_layers(*layers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Merge layers of variables, lowest first; the last one that names a variable wins."""
    merged: dict[str, str] = {}
    for layer in layers:
        merged.update(layer)
    return merged


def refuse_clash(given: Mapping[str, str], own: Iterable[str]) -> None:
    """Refuse variables that localrun itself has to set.

    Raises:
        BadInput: a given name is one of localrun's own.
    """
    clash = sorted(set(given) & set(own))
    if clash:
        hint = "remove it: the ranks of the run get the right value each"
        raise BadInput(f"{clash[0]} is set by localrun for every rank and cannot be given", key=clash[0], hint=hint)


def describe_run(spec: RunSpec, experiment: str) -> dict[str, str]:
    """Give the variables that tell any script about its run.

    Source: the variables of Azure ML's runtime. The experiment's id is left out without a distribution: DeepSpeed takes
    it as the sign of an MPI job.
    """
    named = {
        "AZUREML_RUN_ID": RUN_ID,
        "AZUREML_ROOT_RUN_ID": RUN_ID,
        "AZUREML_EXPERIMENT_NAME": experiment,
        "AZUREML_ARM_PROJECT_NAME": experiment,
        "AZUREML_NODE_COUNT": str(spec.nodes),
        "AZUREML_OUTPUT_DIRECTORY": "./outputs",
    }
    if spec.distribution.type != "none":
        named["AZUREML_EXPERIMENT_ID"] = experiment
    return named


def describe_mlflow(experiment: str) -> dict[str, str]:
    """Give the variables with which MLflow 2 and 3 write into the run's folder; a run configuration may replace them.

    `MLFLOW_RUN_ID` is never among them: MLflow looks up the run it names and fails when there is none.
    """
    return {
        "MLFLOW_TRACKING_URI": f"file:{RUN_FOLDER}/mlruns",
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_EXPERIMENT_NAME": experiment,
    }

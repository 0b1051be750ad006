"""Environment variables: their layers, and what may not stand in one."""

from __future__ import annotations

from localrun.errors import BadInput
from localrun.plan import MLFLOW_URI, RUN_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from localrun.spec import RunSpec

LONGEST = 131_071
"""Bytes of `NAME=value` that Linux takes for one variable (MAX_ARG_STRLEN less its final NUL)."""
BY_LAUNCH = ("AZUREML_CR_EXECUTION_WORKING_DIR_PATH", "AZUREML_CONDA_ENVIRONMENT_PATH")
"""What the launch adds to the variables of a plan: places that exist once the run does."""
NEVER = ("AZUREML_RUN_TOKEN", "AZUREML_SERVICE_ENDPOINT", "LOCALRUN_SECRETS_PASSPHRASE")
"""Kept from the ranks when the caller's environment has it: what would make SDKs in a script call the cloud, and what
opens all secrets of the workspace."""


def check_variable(
    name: str, text: str, own: Collection[str] = (), *, file: str = "", line: int = 0, key: str = ""
) -> None:
    """Refuse what no process can be given, and what localrun itself sets.

    Args:
        name: The variable's name.
        text: Its value.
        own: Names that localrun sets for the ranks.
        file: The file that it was read from; empty for a flag.
        line: Its line there.
        key: Its key there, or the flag.

    Raises:
        BadInput: the name is empty or holds `=` or NUL, the value holds NUL, both are too long together, or the name
            is one of localrun's own.
    """
    problem, hint = _judge_variable(name, text)
    if not problem and name in own:
        problem = f"{name} is set by localrun for every rank and cannot be given"
        hint = "remove it: the ranks of the run get the right value each"
    if problem:
        raise BadInput(problem, file=file, line=line, key=key or name, hint=hint)


def _judge_variable(name: str, text: str) -> tuple[str, str]:
    """Give what is wrong with a variable and what to do; two empty texts when nothing is."""
    if not name or "=" in name or "\0" in name:
        hint = "a name has at least one character, and neither = nor a NUL byte"
        return f"{name!r} cannot be the name of an environment variable", hint
    if "\0" in text:
        return f"the value of {name} contains a NUL byte", "remove the NUL byte"
    size = len(f"{name}={text}".encode(errors="surrogateescape"))
    if size > LONGEST:
        hint = "pass the path of a file that holds the value"
        return f"{name} is {size:,} bytes; Linux takes {LONGEST:,} for NAME=value", hint
    return "", ""


def merge_layers(*layers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Merge layers of variables, lowest first; the last one that names a variable wins."""
    merged: dict[str, str] = {}
    for layer in layers:
        merged.update(layer)
    return merged


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
        "MLFLOW_TRACKING_URI": MLFLOW_URI,
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_EXPERIMENT_NAME": experiment,
    }

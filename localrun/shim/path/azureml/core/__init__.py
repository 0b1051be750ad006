"""A stand-in for azureml-core, which this environment does not have: `Run`, and what a `Run` leads to."""

from azureml.core.run import Run as Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__version__ = "0+localrun"


def __getattr__(name: str) -> "Any":
    if name.startswith("__"):
        raise AttributeError(name)
    text = "localrun stands in for azureml.core with Run alone: add azureml-core to the environment to use "
    raise AttributeError(text + name)

"""The exceptions of `azureml.exceptions` by their names; all of them are errors of localrun.

AzureMLException
├── UserErrorException             what was asked for cannot be
├── RunConfigurationException      a run configuration contradicts itself
├── ExperimentExecutionException   a run cannot be started
├── RunEnvironmentException        there is no run around this script
└── ActivityFailedException        a run failed
"""

from __future__ import annotations

from localrun.errors import LocalrunError


class AzureMLException(LocalrunError):
    """The root of the others; catch it to catch them all."""

    code = "bad_input"


class UserErrorException(AzureMLException):
    """What was asked for cannot be."""


class RunConfigurationException(AzureMLException):
    """A run configuration contradicts itself."""


class ExperimentExecutionException(AzureMLException):
    """A run cannot be started."""


class RunEnvironmentException(AzureMLException):
    """There is no run around this script."""


class ActivityFailedException(AzureMLException):
    """A run failed."""

    code = "run_failed"

"""What stands around a run: its experiment, workspace, secrets, environment, data."""

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CONTEXT = "LOCALRUN_CONTEXT"


def read_context() -> "dict[str, Any]":
    """Give what localrun tells of the run: target, display_name, tags, secrets (their variables), environment."""
    try:
        known = json.loads(os.environ.get(CONTEXT) or "{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


class SecretNotGiven(LookupError):
    """The run was not given a secret."""


def get_secret(name: str) -> str:
    """Give a secret that the run was given.

    Raises:
        SecretNotGiven: it was not.
    """
    value = get_secrets([name])[name]
    if value is None:
        raise SecretNotGiven("this run was not given the secret " + name + ": localrun run --secret " + name)
    return value


def get_secrets(names: "list[str]") -> "dict[str, str | None]":
    """Give secrets by name; None for one that the run was not given."""
    variables = read_context().get("secrets") or {}
    return {name: os.environ.get(variables.get(name, "")) for name in names}


class Keyvault:
    """The secrets that the run was given."""

    def get_secret(self, name: str) -> str:
        """Give a secret."""
        return get_secret(name)

    def get_secrets(self, secrets: "list[str]") -> "dict[str, str | None]":
        """Give secrets by name; None for one that the run was not given."""
        return get_secrets(secrets)

    def list_secrets(self) -> "list[dict[str, str]]":
        """List the names of the secrets that the run was given."""
        return [{"name": name} for name in sorted(read_context().get("secrets") or {})]


class Workspace:
    """The local workspace, as a script knows it."""

    name = "local"
    subscription_id = ""
    resource_group = ""
    location = "local"

    def get_default_keyvault(self) -> Keyvault:
        """Give the secrets of the run."""
        return Keyvault()

    def __getattr__(self, name: str) -> object:
        raise AttributeError("a script on this machine has no Azure workspace, and not its " + name)


class Experiment:
    """The experiment of the run."""

    def __init__(self) -> None:
        self.name = os.environ.get("AZUREML_EXPERIMENT_NAME", "")
        self.id = self.name
        self.workspace = Workspace()


class Environment:
    """The environment of the run, where azureml-core is not there to describe it."""

    def __init__(self, known: "dict[str, Any]") -> None:
        self.name = known.get("name", "")
        self.version = known.get("version")
        self.channels = known.get("channels", [])
        self.conda_packages = known.get("conda", [])
        self.pip_packages = known.get("pip", [])
        self.image = known.get("image", "")


def get_environment() -> "Any":
    """Give the environment: an `azureml.core.Environment` where that is real."""
    known = read_context().get("environment") or {}
    try:
        from azureml import core
        from azureml.core.conda_dependencies import CondaDependencies  # type: ignore[import-not-found]  # of a real one

        make: Any = core.Environment  # a stand-in has none
    except (ImportError, AttributeError):
        return Environment(known)
    made = make(known.get("name") or "local")
    made.version = known.get("version")
    dependencies = CondaDependencies()
    for package in known.get("conda", ()):
        dependencies.add_conda_package(package)
    for package in known.get("pip", ()):
        dependencies.add_pip_package(package)
    made.python.conda_dependencies = dependencies
    return made


def list_datasets(prefix: str) -> "dict[str, Any]":
    """Give the data of the run by name: paths, as they are when data is mounted or downloaded."""
    found = {name[len(prefix) :]: text for name, text in os.environ.items() if name.startswith(prefix)}
    for pair in os.environ.get("AZUREML_DATASET_ENVIRONMENT_VARS", "").split(","):
        name = pair.split(":")[0]
        if name in os.environ:
            found[name] = os.environ[name]
    return found

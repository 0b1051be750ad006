"""Experiments: names under which runs are kept together, and from which they are submitted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localrun.api import environment_store, submission
from localrun.api.environment_build import find_account
from localrun.api.exceptions import ExperimentExecutionException, UserErrorException
from localrun.api.run import Run
from localrun.api.script_run_config import ScriptRunConfig
from localrun.api.workspace_home import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localrun.api.workspace import Workspace
    from localrun.spec import EnvironmentSpec, RunSpec


class Experiment:
    """The runs that were made under one name.

    Attributes:
        workspace: The workspace.
        name: The name.
    """

    __slots__ = ("_home", "name", "workspace")

    def __init__(self, workspace: Workspace, name: str, **_: object) -> None:
        if not isinstance(name, str):
            raise UserErrorException(f"expected an experiment's name, found {name!r}", hint="write it as text")
        self._home = home_of(workspace)
        self.workspace = workspace
        self.name = name

    def submit(self, config: ScriptRunConfig, tags: Mapping[str, str] | None = None, **kwargs: Any) -> Run:
        """Start a run and give it at once, before its environment is made.

        The run goes on when this Python session ends, as the original's local runs do; `Run.cancel` ends it. Its
        environment is registered without being listed, and its source folder copied: both may change at once.

        Args:
            config: What to run.
            tags: Tags of the run.
            kwargs: `display_name`; nothing else.

        Raises:
            ExperimentExecutionException: the source folder or the script is not there, or there is no target.
            BadInput: the run configuration contradicts itself, or its environment has a reserved name; nothing was
                made.
            LocalrunError: the run could not be started.
        """
        from localrun.adapters.files import Reading
        from localrun.adapters.host import probe_host
        from localrun.catalogue.of_runs import with_registered
        from localrun.resolve import resolve
        from localrun.runner import make_run_id
        from localrun.values import replace

        _check_given(config, tags, kwargs)
        definition = config.to_document()
        environment = self._check_environment(definition["environment"])
        spec = config.to_spec(find_environment=self._find_environment)
        spec = self._name(spec, tags or {}, kwargs.get("display_name") or "")
        plan = resolve(spec, probe_host(spec, os.environ, Reading()))
        named = self._register(environment)
        spec = replace(spec, environment=with_registered(spec.environment, named))
        run_id = make_run_id(plan.experiment)
        details = {"experiment": self.name, "environment": named, "definition": _hide(definition)}
        details["source_directory"] = plan.source.directory
        spec = submission.take_source(self._home, spec, plan.source, run_id)
        facts = probe_host(spec, os.environ, Reading())
        account = find_account(getattr(config.run_config.environment, "docker", None))
        submission.submit(self._home, spec, facts, run_id, details, account)
        return Run(self, run_id)

    def _name(self, spec: RunSpec, tags: Mapping[str, str], display_name: str) -> RunSpec:
        from localrun.values import replace

        pairs = tuple((str(key), str(text)) for key, text in tags.items())
        return replace(spec, experiment_name=self.name, tags=pairs, display_name=display_name or spec.display_name)

    def _check_environment(self, given: dict[str, Any] | None) -> dict[str, Any] | None:
        """Give the definition of what the run configuration runs in; refuse a changed curated one.

        Raises:
            BadInput: its name is reserved.
            EnvironmentNotFound: it is only named, and nothing is called so.
        """
        from localrun import catalogue
        from localrun.formats.v1_environment import is_reference

        if not given:
            return None
        if is_reference(given):
            return environment_store.get(self._home, given["name"], given["version"], None)
        catalogue.refuse_reserved(self._home, given, registering=False)
        return given

    def _find_environment(self, name: str, version: str) -> EnvironmentSpec:
        from localrun.formats.v1_environment import spec_of_document

        return spec_of_document(environment_store.get(self._home, name, version or None, None))

    def _register(self, environment: dict[str, Any] | None) -> dict[str, str] | None:
        from localrun import catalogue
        from localrun.catalogue.of_runs import ANONYMOUS
        from localrun.workspace import registry

        if environment is None:
            return None
        name = str(environment.get("name") or ANONYMOUS)
        if catalogue.is_reserved(name):
            return {"name": name, "version": str(environment.get("version") or "")}
        made = registry.register_anonymously(self._home, name, environment)
        return {"name": made.name, "version": made.version}

    def get_runs(self, *_: object, **__: object) -> Iterator[Run]:
        """Give the runs of this experiment, newest first."""
        from localrun.workspace import records

        rows = records.rows(self._home)
        return iter([Run(self, row[0]) for row in rows if row[3] == self.name])

    @staticmethod
    def list(workspace: Workspace) -> list[Experiment]:
        """Give the experiments that have runs in a workspace, by name."""
        return [*workspace.experiments.values()]

    def __repr__(self) -> str:
        return f"Experiment(Name: {self.name},\nWorkspace: {self.workspace.name})"


def _check_given(config: object, tags: object, others: Mapping[str, Any]) -> None:
    unknown = others.keys() - {"display_name"}
    if unknown:
        raise TypeError(f"submit() got an unexpected keyword argument {min(unknown)!r}")
    if tags is not None and not hasattr(tags, "items"):
        raise UserErrorException(f"expected tags with their texts, found {tags!r}", hint="write {'tag': 'text'}")
    if not isinstance(config, ScriptRunConfig):
        message = f"expected a ScriptRunConfig, found {type(config).__name__}"
        raise ExperimentExecutionException(message, hint="write ScriptRunConfig(source_directory=..., script=...)")


def _hide(definition: dict[str, Any]) -> dict[str, Any]:
    """Give a run configuration without the secrets of its environment, and without those in plain text."""
    from localrun.formats.secret_names import hide_variables
    from localrun.formats.v1_environment import hide_secrets

    environment, variables = definition.get("environment"), dict(definition.get("environmentVariables") or {})
    hide_variables(variables)
    hidden = {"environment": hide_secrets(environment)[0] if environment else environment}
    return definition | hidden | ({"environmentVariables": variables} if variables else {})

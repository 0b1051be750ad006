"""Completes the `Run` of a real azureml-core as soon as it is imported."""

import importlib.machinery
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType
    from typing import Any


class _Finder:
    """Finds one module as everybody else would, and completes it behind its import."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "importlib.machinery.ModuleSpec | None":
        del target
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def execute_and_complete(module: "ModuleType") -> None:
                execute(module)
                _complete(module)

            loader.exec_module = execute_and_complete
        return spec


def complete_when_imported(name: str) -> None:
    """Have a module of azureml-core completed when it is imported."""
    sys.meta_path.insert(0, _Finder(name))


def _complete(module: "Any") -> None:
    from _localrun_shim.run import complete, get_run

    offline, run = module._OfflineRun, module.Run  # noqa: SLF001 - the class to complete has no other name
    complete(offline)

    def get_context(
        cls: type,
        allow_offline: bool = True,
        used_for_context_manager: bool = False,
        **kwargs: object,
    ) -> object:
        """Give the run that this script belongs to."""
        del cls, allow_offline, used_for_context_manager
        return get_run(offline, **kwargs)

    method: Any = get_context
    run.get_context = classmethod(method)

"""`Run` and the class of its objects outside of Azure ML, as in azureml-core."""

from _localrun_shim.run import complete, get_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _OfflineRun:
    def __init__(self, parent_logger: object = None, run_id: "str | None" = None, **kwargs: object) -> None:
        del parent_logger, kwargs
        self._run_id = run_id

    @property
    def id(self) -> "str | None":
        return self._run_id


complete(_OfflineRun)


class Run:
    """The run that this script belongs to."""

    @classmethod
    def get_context(
        cls,
        allow_offline: bool = True,
        used_for_context_manager: bool = False,
        **kwargs: object,
    ) -> "_OfflineRun":
        """Give the run."""
        del allow_offline, used_for_context_manager
        return get_run(_OfflineRun, **kwargs)

    @classmethod
    def get_submitted_run(cls, **kwargs: "Any") -> "_OfflineRun":
        """Give the run."""
        return cls.get_context(**kwargs)

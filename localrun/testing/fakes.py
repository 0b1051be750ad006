"""Fakes of the ports: what reads files, and what makes environments, without a disk or a channel.

`tests/contract` holds each of them to the same expectations as the real thing.
"""

from __future__ import annotations

import os

from localrun.plan import Artifact
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import EnvironmentPlan


class FakeFiles:
    """Files in memory, in place of `localrun.adapters.files.Reading`.

    Attributes:
        evidence: For each path that was looked at or read what stood there, as the real one notes it.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """Hold `files` by absolute path; every folder above one of them exists."""
        self._files = dict(files)
        self.evidence: dict[str, tuple[int, ...]] = {}

    def read(self, path: str) -> bytes:
        """Give the bytes of a file.

        Raises:
            FileNotFoundError: there is none.
            IsADirectoryError: it is a folder.
        """
        kind = self.look(path)
        if kind == "folder":
            raise IsADirectoryError(21, "Is a directory", path)
        if kind == "missing":
            raise FileNotFoundError(2, "No such file or directory", path)
        return self._files[path]

    def watch(self, path: str) -> str:
        """Tell what stands at a path; nothing changes in memory."""
        return self.look(path)

    def look(self, path: str) -> str:
        """Tell what stands at a path: `file`, `folder` or `missing`."""
        if path in self._files:
            self.evidence[path] = (len(self._files[path]), 0, 0, 0)
            return "file"
        is_folder = any(name.startswith(path.rstrip("/") + "/") for name in self._files)
        self.evidence[path] = (1,) if is_folder else ()
        return "folder" if is_folder else "missing"


class FakeEngine:
    """Environments that exist as soon as they are asked for, in place of the modules of `localrun.environments`.

    Attributes:
        made: The names of the environments that were made, in order.
    """

    def __init__(self, python: str) -> None:
        """Give every environment the interpreter `python`."""
        self._python = python
        self.made: list[str] = []

    def find(self, plan: EnvironmentPlan, *, home: str) -> Artifact | None:
        """Give the environment if it was made before."""
        return self._describe(plan, home) if plan.name in self.made else None

    def materialize(
        self, plan: EnvironmentPlan, *, home: str, settings: BuildSettings, report: Callable[[Progress], None]
    ) -> Artifact:
        """Give the environment, made now if it was not."""
        del report
        found = self.find(plan, home=home)
        if found is not None and not settings.rebuild:
            return found
        self.made.append(plan.name)
        return replace(self._describe(plan, home), reused=False)

    def _describe(self, plan: EnvironmentPlan, home: str) -> Artifact:
        prefix = os.path.join(home, "environments", plan.name)
        return Artifact(kind=plan.kind, python=self._python, prefix=prefix, path=(os.path.join(prefix, "bin"),))

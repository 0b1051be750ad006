"""Resolving the pip part while the conda part is still being linked.

uv needs an interpreter to install, but to resolve it needs only a Python version and this machine's platform. What it
finds early is used when it is certain to be what the prefix itself would give; else it counts for nothing.
"""

from __future__ import annotations

import json
import os
import re

from localrun.adapters.children import end_child
from localrun.adapters.uv import start_resolving
from localrun.environments.pip_part import describe_pip, is_plain
from localrun.formats.lock_names import is_locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

    from localrun.environments.making import Build

_SEEDS = {"pip", "setuptools", "wheel"}
"""Python packages of the conda part that do not take part in the resolution unless somebody asks for them."""

_WAIT_S = 30


class EarlyResolution:
    """A resolution under way; `start` once what conda solved is known, `finish` on every way out."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._process: subprocess.Popen[bytes] | None = None
        self._pins = os.path.join(build.places.work, "pins.txt")

    def start(self) -> None:
        """Begin, if the result can be certain."""
        if not self._build.plan.pip or self._build.lock or is_locked(self._build.plan.conda):
            return
        version = self._find_python()
        if version and is_plain(self._build.plan.pip):
            self._process = start_resolving(describe_pip(self._build, ""), version, os.environ, self._pins)

    def _find_python(self) -> str:
        with open(os.path.join(self._build.places.work, "solved.json"), encoding="utf-8") as file:
            records = json.load(file)["records"]
        if any(record["python"] and record["name"] not in _SEEDS for record in records):
            return ""
        return next((record["version"] for record in records if record["name"] == "python"), "")

    def finish(self, *, wait: bool) -> tuple[str, ...]:
        """End it, after its own end when `wait` is set.

        Returns:
            The pinned requirements; nothing when there is no certain result.
        """
        process, self._process = self._process, None
        if process is None:
            return ()
        end_child(process, within_s=_WAIT_S if wait else 0)
        if process.returncode:
            return ()
        with open(self._pins, encoding="utf-8") as file:
            pins = tuple(line.strip() for line in file if line.strip() and not line.startswith("#"))
        names = {re.split(r"[=<>~!;\[ ]", pin)[0].lower() for pin in pins}
        return () if names & _SEEDS or not all("==" in pin for pin in pins) else pins

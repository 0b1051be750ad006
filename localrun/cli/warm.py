"""Warm runs: the same command in the same folder finds its plan and its environment without resolving anything.

What is kept is the plan, the environment, and the evidence under which both were made: every file that was read or
looked at, and the variables that matter. One difference, and the run takes the long way.
"""

from __future__ import annotations

import marshal
import os
import sys
import time
import zlib

from localrun import __version__
from localrun.adapters.files import describe_file
from localrun.plan import CLASSES, Artifact, Plan
from localrun.values import pack, unpack, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@value
class Manner:
    """How a run is shown; no part of its plan.

    Attributes:
        quiet: Say nothing but errors.
        detached: Return as soon as it has started.
        as_json: Print the record as JSON on standard output; what the ranks print goes to standard error.
    """

    quiet: bool = False
    detached: bool = False
    as_json: bool = False


VARIABLES = ("PATH", "HOME", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDARC", "MAMBARC", "PYENV_VERSION")
"""Variables that decide which interpreter and which channels a run configuration stands for."""
JUST_WRITTEN_S = 0.1
"""A file that changed so shortly before it was read may change again without its times showing it."""


def describe_call(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[object, ...]:
    """Describe a call so that equal descriptions mean the same plan, files apart."""
    variables = tuple(environ.get(name) for name in VARIABLES)
    return (__version__, sys.version, os.getcwd(), tuple(arguments), variables)


def find_warm(home: str, call: tuple[object, ...]) -> tuple[Plan, Artifact, Manner] | None:
    """Find plan, environment and manner of a call; None when it is new or something that it read has changed."""
    try:
        with open(_locate(home, call), "rb") as file:
            kept, evidence, found = marshal.loads(file.read())  # noqa: S302 - our own file, like a .pyc
        if kept != call or any(describe_file(path) != facts for path, facts in evidence):
            return None
        plan, artifact, manner = unpack(found, {**CLASSES, "Manner": Manner})
    except (OSError, ValueError, TypeError, EOFError, KeyError):
        return None
    return plan, artifact, manner


def keep_warm(
    home: str,
    call: tuple[object, ...],
    evidence: Mapping[str, tuple[int, ...]],
    found: tuple[Plan, Artifact, Manner],
) -> None:
    """Keep plan, environment and manner of a call; what cannot be kept is left, it costs time only."""
    now = time.time_ns()
    for facts in evidence.values():
        if len(facts) > 1 and now - max(facts[1:3]) < JUST_WRITTEN_S * 1e9:
            return
    path = _locate(home, call)
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        data = marshal.dumps((call, tuple(evidence.items()), pack(found)))  # type: ignore[arg-type]  # packed: plain
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(file, "wb") as stream:
            stream.write(data)
        os.replace(temporary, path)
    except (OSError, ValueError):
        return


def _locate(home: str, call: tuple[object, ...]) -> str:
    key = zlib.crc32(repr(call).encode(errors="surrogateescape"))
    return os.path.join(home, "plans", f"{key:08x}")

"""Warm runs: the same command in the same folder finds its plan and its environment without resolving anything.

What is kept is the plan, the environment, and the evidence under which both were made: every file that was read or
looked at, and the variables that matter. One difference, and the run takes the long way.
"""

from __future__ import annotations

import os
import sys

from localrun import __version__
from localrun.adapters.files import FILE_FACTS, still
from localrun.errors import BadInput
from localrun.plan import CLASSES, Artifact, Plan
from localrun.values import pack, unpack, value
from localrun.workspace.memory import keep, locate, recall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localrun.adapters.files import Reading


@value
class Manner:
    """How a run is shown; no part of its plan.

    Attributes:
        quiet: Say nothing but errors.
        detached: Return as soon as it has started.
        as_json: Print the record as JSON on standard output; what the ranks print goes to standard error.
        unmasked: Show secrets as the ranks print them.
    """

    quiet: bool = False
    detached: bool = False
    as_json: bool = False
    unmasked: bool = False


VARIABLES = (
    *("PATH", "HOME", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDARC", "MAMBARC"),
    "LOCALRUN_TARGET",
    *("PYENV_VERSION", "PYENV_ROOT", "PYENV_DIR", "ASDF_DATA_DIR", "ASDF_PYTHON_VERSION", "MISE_PYTHON_VERSION"),
)
"""Variables that decide which target, interpreter and channels a run configuration stands for."""
JUST_WRITTEN_NS = 100_000_000
"""A file that changed so shortly before it was read may change again without its times showing it."""


def describe_call(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[object, ...]:
    """Describe a call so that equal descriptions mean the same plan, files apart."""
    variables = tuple(environ.get(name) for name in VARIABLES)
    return (__version__, sys.version, get_directory(), tuple(arguments), variables)


def get_directory() -> str:
    """Give the working directory.

    Raises:
        BadInput: it has been removed.
    """
    try:
        return os.getcwd()
    except FileNotFoundError:
        raise BadInput("the folder you are in has been removed", hint="change to another one: cd ~") from None


def find_warm(home: str, call: tuple[object, ...]) -> tuple[Plan, Artifact, Manner] | None:
    """Find plan, environment and manner of a call; None when it is new or something that it read has changed."""
    try:
        kept, evidence, found = recall(locate(home, repr(call)))
        if kept != call or not all(still(path, facts) for path, facts in evidence):
            return None
        plan, artifact, manner = unpack(found, {**CLASSES, "Manner": Manner})
    except (ValueError, TypeError, KeyError):
        return None
    return plan, artifact, manner


def keep_warm(home: str, call: tuple[object, ...], reading: Reading, found: tuple[Plan, Artifact, Manner]) -> None:
    """Keep plan, environment and manner of a call; what cannot be kept is left, it costs time only."""
    newest = max((facts[2] for facts in reading.evidence.values() if len(facts) == FILE_FACTS), default=0)
    if newest < reading.began_ns - JUST_WRITTEN_NS:
        keep(locate(home, repr(call)), (call, tuple(reading.evidence.items()), pack(found)))

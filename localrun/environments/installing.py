"""The installer child, which solves, links, fetches and locks: asked, heard, and judged by the answer in its file."""

from __future__ import annotations

import json
import os

from localrun.adapters.children import Child, ChildEnding, run_child
from localrun.adapters.installer import child_argv
from localrun.environments.settings import Progress
from localrun.errors import EnvironmentFailed, StoreFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypedDict

    from localrun.workspace.versions import Package, Versions

    class Solved(Package, total=False):
        """A conda package that was solved; `python`: it is for Python."""

        python: bool

    class Refusal(TypedDict):
        """Why a task is not done, as in `LocalrunError`."""

        code: str
        message: str
        hint: str
        detail: str

    class Answer(TypedDict, total=False):
        """What the child says at its end; `layer`: the key of an image's layer that holds the packages."""

        records: list[Solved]
        layer: str
        error: Refusal


_LAST_LINES = 20


def run_installer(
    request: Mapping[str, object],
    settings: Mapping[str, object],
    take: Callable[[Progress], None],
    *,
    folder: str,
    log: int,
    no_progress_s: float,
    keep: tuple[int, ...] = (),
) -> tuple[ChildEnding, Answer | None]:
    """Let a child do a task; give how it ended, and its answer, None when there is none.

    Args:
        request: The task.
        settings: conda's, as `read_condarc` gives them.
        take: Told how it goes on.
        folder: Where it works, and where its answer goes.
        log: A descriptor for its standard error.
        no_progress_s: It is ended when it shows no sign of life for so long.
        keep: Descriptors that it inherits.
    """
    path = os.path.join(folder, "answer.json")
    child = Child(argv=child_argv(), environment=_find_variables(settings), directory=folder, keep=keep)
    ending = run_child(
        child,
        request=json.dumps({**request, "settings": settings, "answer": path}).encode(),
        on_line=lambda line: take(Progress(**json.loads(line))),
        log=log,
        no_progress_s=no_progress_s,
    )
    return ending, read_answer(path)


def _find_variables(settings: Mapping[str, object]) -> dict[str, str]:
    """Give the environment variables of the installer child, with the certificates that condarc names."""
    variables = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    named = settings.get("ssl_verify")
    bundles = [named if isinstance(named, str) else "", variables.get("REQUESTS_CA_BUNDLE", "")]
    bundles = [path for path in bundles if os.path.isfile(path)]
    if bundles:
        variables.setdefault("SSL_CERT_FILE", bundles[0])
    return variables


def read_answer(path: str) -> Answer | None:
    """Give what the installer child answered; None when it did not."""
    try:
        with open(path, encoding="utf-8") as file:
            answer: Answer = json.load(file)
    except (OSError, ValueError):
        return None
    return answer


def raise_refusal(answer: Answer, lock: Versions) -> None:
    """Raise what the installer child refused.

    Args:
        answer: Its answer.
        lock: What an earlier making resolved to, which it was held to; empty for nothing.

    Raises:
        EnvironmentFailed, StoreFailed: it refused.
    """
    error = answer.get("error")
    if error and lock and error["code"] == "solve":
        message = "the versions that this environment was first made with cannot be had any more"
        hint = "localrun environment build --rebuild takes those that there are now"
        raise EnvironmentFailed(message, hint=hint, code="solve", detail=f"{error['message']}\n{error['detail']}")
    if error:
        kind = StoreFailed if error["code"].startswith("store_") else EnvironmentFailed
        raise kind(error["message"], hint=error["hint"], code=error["code"], detail=error["detail"])


def last_lines(path: str) -> str:
    """Give the last lines of a log, fit for a message; empty when it cannot be read."""
    from localrun.adapters.rattler_errors import clean

    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return clean("".join(file.readlines()[-_LAST_LINES:]))
    except OSError:
        return ""

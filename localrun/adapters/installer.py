"""What the installer child does: one task from standard input, progress on standard output, the answer in a file.

It ends with `os._exit`: in 19 of 150 successful installs py-rattler crashed while the interpreter shut down. Its exit
code counts for nothing; the answer file does, and what then is found in the prefix.
"""

from __future__ import annotations

import json
import os
import sys

from localrun.adapters.answers import Refused, write_answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from localrun.adapters.answers import Tell


NO_ANSWER = 74
"""The exit code when the answer could not be written: the disk is full, or the workspace has gone."""


def main() -> None:
    """Do the task on standard input; never returns."""
    request = json.load(sys.stdin)
    os.umask(0o077)
    _watch_parent()
    try:
        answer = _task(request["task"])(request, _tell)
    except Refused as refusal:
        answer = {"error": refusal.answer}
    try:
        write_answer(request["answer"], answer)
    except OSError:
        os._exit(NO_ANSWER)
    os._exit(0)


def _task(name: str) -> Callable[[dict[str, Any], Tell], dict[str, Any]]:
    if name == "conda":
        from localrun.adapters.rattler_install import install_environment

        return install_environment
    from localrun.adapters.package_files import fetch_files

    return fetch_files


def _tell(stage: str, text: str, done: int = 0, total: int = 0, unit: str = "") -> None:
    line = json.dumps({"stage": stage, "text": text, "done": done, "total": total, "unit": unit}) + "\n"
    os.write(1, line.encode())


def _watch_parent() -> None:
    if os.uname().sysname == "Linux":
        return  # the kernel does it: adapters.children
    import threading
    import time

    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def child_argv() -> tuple[str, ...]:
    """Give the command line of the installer child.

    It runs isolated from the caller's PYTHON* variables and working directory, and finds this very package.
    """
    package_folder = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import localrun; del sys.path[0];"
        "from localrun.adapters.installer import main; main()"
    )
    return (sys.executable, "-I", "-c", code, package_folder)

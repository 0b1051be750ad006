"""The command line.

What lives here: the commands, one module each, and all that is said to the user. What does not: doing anything.
`enter` is the entry point; a warm run goes from `main` to the runner without loading the command-line parser.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TextIO

COLLECT_AFTER = 100_000
"""Objects that may pile up before a search for garbage: most commands make fewer, and leave next to none."""


def enter() -> NoReturn:
    """Run the command line, and end this process as soon as all that was printed is out.

    The interpreter's own end takes as long as a third of its start, and puts nothing away that the system does not.
    """
    gc.set_threshold(COLLECT_AFTER)
    sys.unraisablehook = _take_ignored
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as error:
        code = code or (141 if isinstance(error, BrokenPipeError) else 125)
    os._exit(code)


def _take_ignored(ignored: sys.UnraisableHookArgs) -> None:
    """Take what Python passes over when it comes at the end of an import: a Ctrl-C comes again, all else is told."""
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
        return
    from localrun.adapters import signals

    signals.raise_soon(signals.SIGINT)


def main() -> int:
    """Run the command line of this process and give its exit code."""
    open_standard_files()
    arguments = sys.argv[1:]
    traceback = "--traceback" in arguments[:2]  # behind a script it is the script's
    if traceback:
        arguments.remove("--traceback")
    from localrun.errors import LocalrunError

    try:
        if arguments[:1] == ["run"] and arguments[1:2] not in (["--help"], ["-h"]):
            from localrun.cli.start import run_warm

            code = run_warm(arguments[1:])
            if code is not None:
                return code
        from localrun.cli.commands import run_command

        return run_command(arguments)
    except LocalrunError as error:
        from localrun.cli.telling import tell_error, tell_traceback

        if traceback:
            tell_traceback(error)
        return tell_error(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except Exception as error:  # noqa: BLE001 - the one place where whatever nobody thought of ends
        from localrun.cli.telling import tell_traceback, tell_unexpected

        if traceback:
            tell_traceback(error)
        return tell_unexpected(error)


def open_standard_files() -> None:
    """Open /dev/null in place of standard files that were closed, so that no other file takes their numbers."""
    for number in (0, 1, 2):
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or _write_to(1)
    sys.stderr = sys.stderr or _write_to(2)


def _write_to(number: int) -> TextIO:
    return open(number, "w", closefd=False, encoding="utf-8", errors="backslashreplace")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True

"""What is said on standard error: errors, and what stands below a line."""

from __future__ import annotations

import sys

from localrun.escaping import escape
from localrun.workspace.home import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.errors import LocalrunError


def tell_error(error: LocalrunError) -> int:
    """Tell the user of an error: what is wrong, what to do next, and in the last line its kind; give the exit code."""
    from localrun.resolve.credentials import hide_credentials

    tell(f"error: {hide_credentials(error.message)}")
    lines = [f"  {escape(hide_credentials(line))}" for line in error.detail.splitlines()]
    lines += [f"  hint: {escape(hide_credentials(error.hint))}"] if error.hint else []
    lines.append(f"kind={error.code}")
    print_lines(lines)
    return error.exit_code


def tell_unexpected(error: Exception) -> int:
    """Tell the user of an error that nobody thought of."""
    from localrun.resolve.credentials import hide_credentials

    tell(f"error: {type(error).__name__}: {hide_credentials(str(error))}")
    print_lines(
        [
            "  hint: this is a mistake in localrun; run it again as localrun --traceback ... and report what it says",
            "kind=internal",
        ]
    )
    return 125


def tell_traceback(error: BaseException) -> None:
    """Tell the user of an error as Python does, without the credentials in addresses."""
    import traceback

    from localrun.resolve.credentials import hide_credentials

    text = "".join(traceback.format_exception(error))
    print_lines([escape(line) for line in hide_credentials(text).splitlines()])


def print_lines(lines: list[str]) -> None:
    """Print lines that are safe to show on standard error; nobody there to read them is no error."""
    try:
        sys.stderr.write("".join(f"{line}\n" for line in lines))  # it escapes what its encoding lacks
        sys.stderr.flush()
    except (OSError, ValueError):
        return

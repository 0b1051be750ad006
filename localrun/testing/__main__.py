"""`python -m localrun.testing channel DIR`: make an offline conda channel and print its URL."""

from __future__ import annotations

import argparse
import sys

from localrun.errors import LocalrunError
from localrun.testing.channel import make_channel


def main() -> int:
    """Read the command line, make the channel, print its URL; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localrun.testing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    channel = commands.add_parser("channel", help="make a conda channel from an interpreter of this machine")
    channel.add_argument("directory", metavar="DIR", help="the channel's folder")
    channel.add_argument("--python", default=sys.executable, help="the interpreter to pack (default: the running one)")
    channel.add_argument("extra", nargs="*", metavar="WHEEL", help="more wheels to turn into packages")
    given = parser.parse_args()
    try:
        print(make_channel(given.directory, python=given.python, extra=given.extra))  # noqa: T201 - a command
    except LocalrunError as error:
        told = (f"localrun.testing: {error.message}", error.hint, error.detail)
        print("\n".join(line for line in told if line), file=sys.stderr)  # noqa: T201 - a command
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

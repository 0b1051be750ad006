"""The commands by name; each module is imported when its command is called."""

from __future__ import annotations

import importlib
import sys

import click

from localrun import __version__
from localrun.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SECTIONS = {
    "Run": {
        "run": ("localrun.cli.run", "run", "Run a script, a job or a command."),
        "plan": ("localrun.cli.run", "plan", "Show what `run` would run; nothing is run."),
        "rerun": ("localrun.cli.rerun", "rerun", "Run an earlier run once more, as it was."),
        "import-run": ("localrun.cli.import_run", "import_run", "Make a run of Azure ML into one that runs here."),
    },
    "Look at runs": {
        "ps": ("localrun.cli.ps", "ps", "List runs."),
        "logs": ("localrun.cli.logs", "logs", "Show what the ranks of a run printed."),
        "inspect": ("localrun.cli.inspect", "inspect", "Show the record of a run."),
        "diff": ("localrun.cli.diff", "diff", "Show what two runs differ in."),
        "metrics": ("localrun.cli.metrics", "metrics", "Show what scripts have logged."),
        "plot": ("localrun.cli.plot", "plot", "Draw a metric of runs."),
        "shell": ("localrun.cli.inside", "shell", "Open a shell where a rank is, or was."),
    },
    "Runs that are live": {
        "attach": ("localrun.cli.inside", "attach", "Show a live run, and stop it with Ctrl-C."),
        "exec": ("localrun.cli.inside", "execute", "Run a command where a rank is."),
        "stats": ("localrun.cli.stats", "stats", "Show what the ranks use."),
        "wait": ("localrun.cli.control", "wait", "Wait until runs have ended."),
        "stop": ("localrun.cli.control", "stop", "End runs: SIGTERM, then SIGKILL."),
        "kill": ("localrun.cli.control", "kill", "Send a signal to the ranks of a run."),
        "pause": ("localrun.cli.control", "pause", "Let a run, or one of its nodes, stand still."),
        "unpause": ("localrun.cli.control", "unpause", "Let what was paused go on."),
    },
    "What runs need": {
        "environment": ("localrun.cli.environment", "environment", "Register, list, compare and build environments."),
        "env": ("localrun.cli.environment", "environment", "Short for environment."),
        "image": ("localrun.cli.image", "image", "List, push and pull images."),
        "secret": ("localrun.cli.secret", "secret", "Store secrets for runs."),
    },
    "The workspace and this machine": {
        "df": ("localrun.cli.disk", "df", "Show what the workspace takes on the disk."),
        "prune": ("localrun.cli.disk", "prune", "Remove what can be made again, and old runs."),
        "rm": ("localrun.cli.control", "rm", "Remove runs, with all that belongs to them."),
        "doctor": ("localrun.cli.doctor", "doctor", "Look whether this machine has what runs need."),
    },
}
"""For each command its module, its name there, and its line in the help; in the help's sections."""
COMMANDS = {name: command for commands in SECTIONS.values() for name, command in commands.items()}
WIDEST = max(map(len, COMMANDS))
ANSWERED = frozenset({"-h", "--help", "--version"})
"""What click answers on standard output by itself."""


class Commands(click.Group):
    """The group of all commands, loaded one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands from the table, section by section, without importing any."""
        del ctx
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                rows = [(name.ljust(WIDEST), text) for name, (_, _, text) in commands.items()]
                formatter.write_dl(rows)


EPILOG = "RUN is a run's id, the beginning of one, its name, or `latest`. `localrun COMMAND --help` says more."


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
@click.version_option(__version__, prog_name="localrun", message="%(prog)s %(version)s")
def localrun() -> None:
    """Run machine-learning run configurations on this machine: `docker run` for Azure ML runs, offline."""


def suggest(arguments: Sequence[str]) -> str:
    """Give a hint for a command line that names no command: the nearest one, or `run` for a file; else nothing."""
    name = next((text for text in arguments if not text.startswith("-")), "")
    if not name or name in COMMANDS:
        return ""
    if name.endswith((".py", ".yml", ".yaml")):
        return f"did you mean localrun run {name}?"
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    return f"did you mean localrun {near[0]}?" if near else ""


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code.

    Raises:
        LocalrunError: what the command could not do.
        BadInput: the command line cannot be read.
    """
    try:
        code = localrun.main(args=list(arguments), prog_name="localrun", standalone_mode=False, obj=tuple(arguments))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 125
    except click.UsageError as error:
        name = error.ctx.command_path if error.ctx else "localrun"
        message = error.format_message().rstrip(".")
        raise BadInput(message, hint=suggest(arguments) or f"{name} --help shows what it takes") from None
    except click.Abort:
        sys.stderr.write("\n")
        return 130
    except OSError as error:
        if isinstance(error, BrokenPipeError) or error.filename is not None or ANSWERED.isdisjoint(arguments):
            raise
        from localrun.cli.show import refuse_stdout

        raise refuse_stdout(error) from error
    return int(code) if isinstance(code, int) else 0

"""What a rank in a container is started with: a piece of shell that `launcher.sh` reads once. Pure."""

from __future__ import annotations

from localrun.values import value

SHELL_OWN = frozenset(
    (
        *("_", "BASHOPTS", "BASHPID", "BASH_ARGC", "BASH_ARGV", "BASH_COMMAND", "BASH_LINENO", "BASH_SOURCE"),
        *("BASH_SUBSHELL", "BASH_VERSINFO", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "FUNCNAME", "GROUPS"),
        *(
            "HISTCMD",
            "IFS",
            "LINENO",
            "OPTARG",
            "OPTERR",
            "OPTIND",
            "PIPESTATUS",
            "PPID",
            "RANDOM",
            "SECONDS",
            "SHELLOPTS",
        ),
        *("SRANDOM", "UID"),
    )
)
"""Variables that some shells keep or use for themselves: they are set by `env` instead."""


@value
class Start:
    """How a process in a container is started.

    Attributes:
        argv: The command. The first item `python` with an empty `python` stands for the image's own interpreter.
        variables: What it gets on top of the image's variables, by name.
        fallbacks: What it gets where neither `variables` nor the image has it.
        leading: Names and folders: they go in front of what the variable holds, here or in the image.
        directory: The working directory.
        own_python: The first item of `argv` is the image's `python`, or `python3` when it has no other.
    """

    argv: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    directory: str
    fallbacks: tuple[tuple[str, str], ...] = ()
    leading: tuple[tuple[str, str], ...] = ()
    own_python: bool = False


def write_script(start: Start) -> bytes:
    """Give the piece of shell for a process.

    Values go through it byte for byte: in single quotes every byte but the quote stands for itself.
    """
    plain = [(name, text) for name, text in start.variables if is_shell_name(name)]
    others = [f"{name}={text}" for name, text in start.variables if not is_shell_name(name)]
    program = start.argv[0]
    lines = [f"directory={quote(start.directory)} variables={len(others)} program={quote(program)}"]
    lines += [f'[ -n "${{{name}+x}}" ] || export {name}={quote(text)}' for name, text in start.fallbacks]
    lines.append('PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"')
    lines += [f"export {name}={quote(text)}" for name, text in plain]
    lines += [f'export {name}={quote(folders)}"${{{name}:+:${name}}}"' for name, folders in start.leading]
    if start.own_python:
        lines.append("command -v python >/dev/null || ! command -v python3 >/dev/null || program=python3")
    words = " ".join(map(quote, start.argv[1:]))
    env = f"env {' '.join(map(quote, others))} " if others else ""
    lines.append(f'set -- {env}"$program" {words}')
    return ("\n".join(lines) + "\n").encode(errors="surrogateescape")


def quote(text: str) -> str:
    """Quote a text for a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def is_shell_name(name: str) -> bool:
    """Tell whether every shell can hold a variable of this name, and leaves it as it is."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()
    return plain and name not in SHELL_OWN

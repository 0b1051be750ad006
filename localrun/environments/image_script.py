"""The script that finishes an image in a container of its conda layer: the pip part, then a look at the whole.

It reaches the container's shell by standard input alone. All that it brings along lies in /dev/shm and below
`INSIDE`, which are no part of what is committed.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex

from localrun.errors import BadInput
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INSIDE = "/dev/localrun"
"""Where the engine mounts what a build needs: /dev is a file system of its own in every container."""
CACHE = f"{INSIDE}/cache"
"""Where the volume is mounted that keeps what uv has fetched, and what was compiled of it."""
SHARED = "/dev/shm/localrun"  # noqa: S108 - in a container of our own
FILES = "/tmp/localrun-files"  # noqa: S108 - in a container of our own
"""Where local files that the pip part names are copied to, and removed again before the commit."""
PIP_FAILED, BROKEN, SPARK_FAILED, NOT_CONTAINED = 91, 92, 93, 94
"""Exit codes of the script: uv failed; the interpreter does not run; Spark's packages could not be fetched; the image
that was begun with has something that should not be there, or could not be completed."""
_LINE = re.compile(r"(-e|--editable|-f|--find-links|-c|--constraint)(?:[ =]+)(.+)")
_LINKS = ("-f", "--find-links")


@value
class PipPart:
    """What is to be installed in a container.

    Attributes:
        lines: Requirement lines, with places of the container in them.
        copies: For each file or folder of this machine its place in the container.
        constraints: `name==version` lines that count where a requirement leaves the version open.
    """

    lines: tuple[str, ...]
    copies: tuple[tuple[str, str], ...] = ()
    constraints: tuple[str, ...] = ()


def plan_pip_part(
    lines: Iterable[str], directory: str, constraints: Iterable[str] = (), links: Mapping[str, str] | None = None
) -> PipPart:
    """Plan the pip part of an image: what requirement lines name on this machine goes along.

    An editable requirement is installed as it is now: an image holds no folder of this machine.

    Args:
        lines: Requirement lines.
        directory: Where relative paths among them start from.
        constraints: As in `PipPart`.
        links: Folders of this machine with packages, and where they are in the container, of `list_links`.

    Raises:
        BadInput: a line names something that is not there.
    """
    copies: dict[str, str] = {}
    known = links or {}
    found = tuple(_place_line(line, directory, copies, known) for line in lines)
    return PipPart(lines=found, copies=tuple(copies.items()), constraints=tuple(constraints))


def list_links(lines: Iterable[str], directory: str, setting: str) -> dict[str, str]:
    """List the folders of this machine that packages are looked for in, with their places in the container.

    Args:
        lines: Requirement lines, `--find-links` among them.
        directory: Where relative paths among them start from.
        setting: UV_FIND_LINKS.
    """
    options = [found for line in lines if (found := _LINE.fullmatch(line.strip()))]
    named = [os.path.join(directory, found[2]) for found in options if found[1] in _LINKS and "://" not in found[2]]
    named += [os.path.abspath(word) for word in setting.split(",") if word and "://" not in word]
    folders = dict.fromkeys(os.path.normpath(path) for path in named)
    there = [path for path in folders if os.path.isdir(path)]
    return {path: f"{INSIDE}/links/{number}" for number, path in enumerate(there)}


def place_links(setting: str, links: Mapping[str, str]) -> str:
    """Give UV_FIND_LINKS for the container; a folder that is not there is left out."""
    words = [word for word in setting.split(",") if word]
    placed = [word if "://" in word else links.get(os.path.normpath(os.path.abspath(word)), "") for word in words]
    return ",".join(filter(None, placed))


def _place_line(line: str, directory: str, copies: dict[str, str], links: Mapping[str, str]) -> str:
    option = _LINE.fullmatch(line.strip())
    target = option[2] if option else line.strip()
    if option and option[1] in _LINKS:
        folder = os.path.normpath(os.path.join(directory, target))
        return f"--find-links {links[folder]}" if folder in links else line
    name, at, address = target.partition(" @ ")
    path, bracket, extras = (address if at else target).partition("[")
    if not path.startswith((".", "/", "file:")):
        return line
    place = _place(path.strip(), directory, copies) + bracket + extras
    place = f"{name} @ file://{place}" if at else place
    return place if option is None or option[1] in {"-e", "--editable"} else f"{option[1]} {place}"


def _place(path: str, directory: str, copies: dict[str, str]) -> str:
    from urllib.parse import unquote

    path = unquote(path.removeprefix("file://").removeprefix("file:")) if path.startswith("file:") else path
    path, mark, digest = path.partition("#")
    full = os.path.normpath(os.path.join(directory, path))
    if not os.path.exists(full):
        message = f"the pip part names {path}, which is not there"
        raise BadInput(message, hint=f"looked for {full}")
    place = copies.setdefault(full, f"{FILES}/{len(copies)}/{os.path.basename(full)}")
    return place + mark + digest


@value
class Script:
    """What the script of a build is made of.

    Attributes:
        prefix: The conda prefix; empty for none.
        python: Its interpreter; empty for none.
        uv: Where uv is in the container.
        pip: The pip part; None for none.
        variables: For uv and what it starts.
        files: Contents by name, for `SHARED`; the programs that the interpreter runs are among them.
        spark: Lines of the plan.
        offline: Nothing may be fetched.
        begun: Some of the pip part is there already.
    """

    prefix: str = ""
    python: str = ""
    uv: str = f"{INSIDE}/uv"
    pip: PipPart | None = None
    variables: dict[str, str]
    files: dict[str, str]
    spark: tuple[str, ...] = ()
    offline: bool = False
    begun: bool = False


def write_script(script: Script) -> bytes:
    """Give the script, for a POSIX shell that reads it from its standard input."""
    lines = ["umask 022", f"mkdir -p {SHARED} {FILES} && chmod 700 {SHARED} || exit {BROKEN}"]
    pip = script.pip
    files = dict(script.files)
    if pip:
        files["requirements.txt"] = "".join(f"{line}\n" for line in pip.lines)
        files["constraints.txt"] = "".join(f"{line}\n" for line in pip.constraints)
    for name, content in files.items():
        lines += _write_file(f"{SHARED}/{name}", content)
    lines += [f"export {name}={shlex.quote(text)}" for name, text in script.variables.items()]
    if pip:
        lines += _install(script, pip)
    lines += _fetch_spark(script.spark)
    lines.append(f"rm -rf {FILES}")
    if script.python:
        lines.append(f"{_run(script, 'describe_prefix')} {script.prefix} </dev/null || exit {BROKEN}")
    return ("\n".join((*lines, "exit 0")) + "\n").encode("utf-8", "surrogateescape")


def _install(script: Script, pip: PipPart) -> list[str]:
    """Give the lines that install a pip part; where another image was begun with, only what it does not have."""
    common = f"--python {script.python} --no-progress --color never" + " --offline" * script.offline
    constraints = f" --constraints {SHARED}/constraints.txt" if pip.constraints else ""
    install = f"{script.uv} pip install {common}"
    resolved, missing = f"{SHARED}/resolved.txt", f"{SHARED}/missing.txt"
    wanted = f"--no-header --no-annotate --strip-extras --quiet{constraints} --output-file {resolved}"
    if script.begun:
        commands = [
            f"{script.uv} pip compile {common} {wanted} {SHARED}/requirements.txt",
            f"{_run(script, 'check_contained', '-S')} {resolved} {missing}",
            f"{{ ! test -s {missing} || {_install_pins(f'{install} --no-deps --requirements {missing}', script)}; }}",
        ]
    else:
        commands = [f"{install}{constraints} --requirements {SHARED}/requirements.txt"]
    code = NOT_CONTAINED if script.begun else PIP_FAILED
    lines = [f"{command} </dev/null 2>&1 || exit {code}" for command in commands]
    # Bytecode is a matter of speed: what cannot be compiled is left out.
    return [*lines, f"{_run(script, 'compile_installed', '-S')} {CACHE}/bytecode </dev/null 2>&1 || true"]


def _install_pins(command: str, script: Script) -> str:
    """Give the command that installs what was resolved just now: from the cache alone where that has all of it."""
    return command if script.offline else f'{{ said=$({command} --offline 2>&1) && echo "$said"; }} || {command}'


def _run(script: Script, program: str, *options: str) -> str:
    return " ".join((script.python, "-I", "-B", *options, f"{SHARED}/{program}.py"))


def _write_file(path: str, content: str) -> list[str]:
    end = f"LOCALRUN-{secrets.token_hex(8)}"
    return [f"cat >{path} <<'{end}'", content.removesuffix("\n"), end]


def _fetch_spark(spark: Iterable[str]) -> list[str]:
    pairs = [line.partition(" ") for line in spark]
    packages = ",".join(name for kind, _, name in pairs if kind == "package")
    repositories = ",".join(name for kind, _, name in pairs if kind == "repository")
    if not packages:
        return []
    named = f" --repositories {shlex.quote(repositories)}" if repositories else ""
    # As Azure ML's own images do it: a submit of nothing fetches the packages, where there is a Spark.
    return [
        f": >{SHARED}/spark.py",
        'submit="${SPARK_HOME:+$SPARK_HOME/bin/}spark-submit"',
        f'command -v "$submit" >/dev/null || {{ echo "there is no spark-submit"; exit {SPARK_FAILED}; }}',
        f'"$submit"{named} --packages {shlex.quote(packages)} {SHARED}/spark.py </dev/null 2>&1 || exit {SPARK_FAILED}',
    ]

"""The pip part of an environment, installed by uv.

uv reads its own settings as always: `uv.toml`, `UV_*`, `~/.netrc`, its credential store, the proxies and SSL_CERT_FILE
of the caller. Besides, people who come from pip find pip's: `pip.conf` and PIP_* for indexes, links, certificates,
constraints (`adapters.pip_settings`). Where both speak, uv's own setting counts. As with pip, all indexes are equal
(UV_INDEX_STRATEGY=unsafe-best-match) unless uv is told otherwise.
"""

from __future__ import annotations

import os
import re
import sys

from localrun.adapters.children import Child, run_child, start_child
from localrun.adapters.pip_settings import pip_as_uv
from localrun.adapters.rattler_errors import clean, redact, shorten
from localrun.errors import EnvironmentFailed, StoreFailed
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence

_FICLONE = 0x40049409
_LAST_LINES = 20
_FULL = ("os error 28", "os error 122", "No space left on device", "Disk quota exceeded")
_MEANINGS = (
    (
        "offline",
        ("network was disabled", "network connectivity is disabled", "--offline"),
        "the pip part is not in the cache and may not be fetched offline",
        "run once without --offline",
    ),
    (
        "solve",
        ("No solution found", "was not found in the", "no version of"),
        "the pip requirements cannot be met",
        "loosen or drop one of them, or add the index that has it",
    ),
    (
        "build_failed",
        ("Failed to build", "build backend", "Build backend"),
        "a pip package could not be built",
        "the last lines of its build are below; a version with a wheel for this Python needs no build",
    ),
    (
        "channel",
        ("error sending request", "Failed to fetch", "HTTP status", "Hash mismatch"),
        "the package index could not be read",
        "check index-url and the proxy, or use --offline when everything is in the cache",
    ),
)
"""Code, signs in uv's words, what to say, and what to do; the first that fits counts."""
_FOREIGN = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "UV_SYSTEM_PYTHON", "UV_TARGET")


@value
class PipRequest:
    """What uv is to do.

    Attributes:
        python: The interpreter of the prefix.
        requirements: Requirement lines, options among them.
        directory: Where relative paths among them start from.
        cache: uv's cache folder.
        offline: Use the cache and local files only.
        hard_links: Link files to the cache instead of copying them.
        log: A descriptor that all output goes to, credentials removed.
        keep: Descriptors that uv inherits.
        constraints: A file with the versions that count where a requirement leaves them open; empty for none.
        as_of: Only packages that were there at this instant count; empty for all.
        only_links: A folder that is the only place packages come from; empty for the indexes.
        complete: The requirements are all there is to install, with nothing that they need besides.
    """

    python: str
    requirements: tuple[str, ...]
    directory: str
    cache: str
    offline: bool = False
    hard_links: bool = False
    log: int
    keep: tuple[int, ...] = ()
    constraints: str = ""
    complete: bool = False
    as_of: str = ""
    only_links: str = ""


def install_requirements(request: PipRequest, environ: Mapping[str, str], on_line: Callable[[str], None]) -> None:
    """Install requirement lines into a prefix.

    Args:
        request: What to install, and where.
        environ: The caller's environment variables.
        on_line: Told what uv says, line by line.

    Raises:
        EnvironmentFailed: `solve`, `offline`, `channel` or `build_failed`, with uv's own words.
        StoreFailed: the disk is full.
    """
    pinned = ("--constraints", request.constraints) if request.constraints else ()
    alone = ("--no-deps",) if request.complete else ()
    arguments = ("pip", "install", "--python", request.python, *pinned, *alone, "--requirements", "-")
    code, lines = run_uv(request, arguments, environ, on_line)
    if code:
        raise explain(lines, request, code)


def start_resolving(
    request: PipRequest, python_version: str, environ: Mapping[str, str], output: str
) -> subprocess.Popen[bytes]:
    """Begin to resolve requirements for a Python version on this machine's platform, without an environment.

    Args:
        request: What to resolve; its `python` is not used.
        python_version: The full version.
        environ: The caller's environment variables.
        output: The file that gets the pinned requirements.
    """
    from uv import find_uv_bin

    arguments = ("--python", sys.executable, "--python-version", python_version, "--no-header", "--no-annotate")
    child = Child(
        argv=(find_uv_bin(), "pip", "compile", *arguments, "--quiet", "--output-file", output, "-"),
        environment=uv_variables(request, environ),
        directory=request.directory,
        keep=request.keep,
    )
    reading, writing = os.pipe()
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        with open(writing, "wb") as file:
            file.write(("\n".join(request.requirements) + "\n").encode())
        with open(reading, "rb", closefd=False) as file:
            return start_child(child, request=file, output=nowhere)
    finally:
        os.close(reading)
        os.close(nowhere)


def install_pins(request: PipRequest, environ: Mapping[str, str], on_line: Callable[[str], None]) -> bool:
    """Install pinned requirements from the cache alone; tell whether that went well."""
    arguments = ("pip", "install", "--python", request.python, "--no-deps", "--offline", "--requirements", "-")
    return run_uv(request, arguments, environ, on_line)[0] == 0


def fetch_again(
    request: PipRequest, packages: Sequence[str], environ: Mapping[str, str], on_line: Callable[[str], None]
) -> None:
    """Install packages anew that came out of uv's cache damaged.

    Raises:
        EnvironmentFailed, StoreFailed: as `install_requirements`.
    """
    run_uv(request, ("cache", "clean", *packages), environ, on_line)
    again = [part for package in packages for part in ("--reinstall-package", package)]
    arguments = ("pip", "install", "--python", request.python, *again, "--requirements", "-")
    code, lines = run_uv(request, arguments, environ, on_line)
    if code:
        raise explain(lines, request, code)


def find_uv() -> str:
    """Give the path of uv's program."""
    from uv import find_uv_bin

    return find_uv_bin()


def run_uv(
    request: PipRequest, arguments: Sequence[str], environ: Mapping[str, str], on_line: Callable[[str], None]
) -> tuple[int, list[str]]:
    """Run uv with the requirements on its standard input, so that no credential in them is seen in a command line.

    Returns:
        Its exit code and its lines, credentials removed.
    """
    from uv import find_uv_bin

    lines: list[str] = []

    def take(line: str) -> None:
        line = redact(line)
        lines.append(line)
        os.write(request.log, f"{line}\n".encode())
        on_line(line)

    ending = run_child(
        Child(
            argv=(find_uv_bin(), *arguments, "--no-progress", "--color", "never"),
            environment=uv_variables(request, environ),
            directory=request.directory,
            keep=request.keep,
        ),
        on_line=take,
        request=("\n".join(request.requirements) + "\n").encode(),
    )
    return ending.code, lines


def uv_variables(request: PipRequest, environ: Mapping[str, str]) -> dict[str, str]:
    """Give uv's environment variables: the caller's, pip's settings in uv's words, and where its cache is."""
    variables = {name: text for name, text in environ.items() if name not in _FOREIGN and not name.startswith("CONDA_")}
    for name, text in pip_as_uv(environ).items():
        variables.setdefault(name, text)
    variables.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    variables["UV_CACHE_DIR"] = request.cache
    variables["UV_NO_PYTHON_DOWNLOADS"] = "1"
    variables["UV_BREAK_SYSTEM_PACKAGES"] = "1"
    variables["UV_LINK_MODE"] = "hardlink" if request.hard_links else link_mode(request.cache)
    variables["UV_COMPILE_BYTECODE"] = "0"  # adapters.bytecode does it, from a cache
    if request.offline:
        variables["UV_OFFLINE"] = "1"
    if request.as_of:
        variables["UV_EXCLUDE_NEWER"] = request.as_of
    if request.only_links:
        from urllib.parse import quote

        # As an address: in a list of paths, commas and spaces have a meaning.
        return keep_to_links(variables, f"file://{quote(request.only_links)}")
    return variables


def keep_to_links(variables: Mapping[str, str], links: str) -> dict[str, str]:
    """Give uv's environment variables with one place for packages: nothing is fetched, no index is known."""
    kept = {name: text for name, text in variables.items() if "INDEX" not in name and "FIND_LINKS" not in name}
    return kept | {"UV_NO_INDEX": "1", "UV_OFFLINE": "1", "UV_FIND_LINKS": links}


def link_mode(folder: str) -> str:
    """Give `clone` where the file system of a folder can clone files, else `copy`.

    uv's own `clone` falls back to hard links on Linux, and an edit in one environment would spread to all.
    """
    import fcntl
    import tempfile

    if os.uname().sysname != "Linux":
        return "clone"
    try:
        with tempfile.TemporaryFile(dir=folder) as source, tempfile.TemporaryFile(dir=folder) as target:
            source.write(b"x" * 4096)
            source.flush()
            fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except OSError:
        return "copy"
    return "clone"


def explain(lines: Sequence[str], request: PipRequest, code: int) -> EnvironmentFailed | StoreFailed:
    """Say what uv's last words mean."""
    text = clean("\n".join(line for line in lines if not re.match(r"(Using|Resolved|Downloading| Downloaded)\b", line)))
    detail = shorten("\n".join(text.strip().split("\n")[-_LAST_LINES:]))
    if code < 0:
        message = f"uv was ended by signal {-code} while it installed the pip part"
        return EnvironmentFailed(message, hint="try again", code="installer_crashed", detail=detail)
    if any(sign in text for sign in _FULL):
        return StoreFailed("the disk is full", detail=detail, code="store_full")
    first = next((line for line in text.split("\n") if line.strip()), "").strip(" \t×").removeprefix("error: ")
    for kind, signs, message, hint in _MEANINGS:
        if any(sign in text for sign in signs) and (kind != "offline" or request.offline):
            said = _because(text, first) if kind == "solve" else first
            return EnvironmentFailed(f"{message}: {said}", hint=hint, code=kind, detail=detail)
    return EnvironmentFailed(f"the pip part could not be installed: {first}", detail=detail)


def _because(text: str, first: str) -> str:
    joined = " ".join(part.strip(" ╰─▶│") for part in text.split("\n"))
    found = re.search(r"Because (.+)", joined)
    return f"because {found.group(1)[:500]}" if found else first

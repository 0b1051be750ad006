"""The host, probed once for a run configuration."""

from __future__ import annotations

import os
import platform
import sys

from localrun.adapters.files import Reading, find_near
from localrun.errors import BadInput
from localrun.resolve.facts import HostFacts
from localrun.resolve.target import choose_target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.adapters.image_facts import EngineFacts
    from localrun.spec import RunSpec

SUBDIRECTORIES = {
    ("linux", "x86_64"): "linux-64",
    ("linux", "aarch64"): "linux-aarch64",
    ("linux", "ppc64le"): "linux-ppc64le",
    ("darwin", "x86_64"): "osx-64",
    ("darwin", "arm64"): "osx-arm64",
}
"""Names of conda's subdirectories for systems and machines; source: conda's documentation of platforms."""

STAND_IN_LIMIT_S = 30
"""A script that stands in for an interpreter has so long to say which one it means."""


def probe_host(
    spec: RunSpec, environ: Mapping[str, str], reading: Reading, asked_of_engine: EngineFacts | None = None
) -> HostFacts:
    """Probe what resolve has to know about this machine for a run configuration.

    Args:
        spec: The run configuration.
        environ: The caller's environment variables.
        reading: Takes note of what is looked at.
        asked_of_engine: What is known of the engine from before, and takes what is asked now; None for nothing.
    """
    paths = [spec.source_directory, spec.source_file, spec.script, spec.bootstrap, *(item.path for item in spec.inputs)]
    asked = spec.environment
    docker = choose_target(spec) == "docker"
    interpreter = ""
    if not docker and (asked is None or asked.interpreter):
        interpreter = find_interpreter(asked.interpreter if asked else "", environ, reading)
    facts = HostFacts(
        platform=SUBDIRECTORIES.get((sys.platform, platform.machine()), f"{sys.platform}-{platform.machine()}"),
        cpu_count=count_processors(),
        python_version=f"{sys.version_info[0]}.{sys.version_info[1]}",
        interpreter=interpreter,
        paths=(*((path, reading.look(path)) for path in dict.fromkeys(paths) if path), *_look_at_outputs(spec)),
        hashes=_hash_requirements(spec),
        script_near="" if not spec.script or os.path.lexists(spec.script) else find_near(spec.script),
        script_outside=leads_outside(spec.script, spec.source_directory),
        user=f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else "",
        folder_name=os.path.basename(os.path.realpath(spec.source_directory)) if spec.source_directory else "run",
    )
    if not docker:
        return facts
    from localrun.adapters.image_facts import probe_images

    return probe_images(spec, facts, environ, reading, asked_of_engine)


def _look_at_outputs(spec: RunSpec) -> tuple[tuple[str, str], ...]:
    """Tell what stands where the outputs are copied to; a run changes that itself, so nobody takes note of it."""
    places = [os.path.join(spec.source_directory, name) for name in ("outputs", "logs")] if spec.in_place else []
    found = [(place, Reading().look(place)) for place in (spec.outputs_directory, *places) if place]
    return tuple([(place, kind if kind in {"file", "other"} or _is_open(place) else "locked") for place, kind in found])


def _is_open(place: str) -> bool:
    """Tell whether a folder can be written, or made where it is to be."""
    near = os.path.abspath(place)
    while not os.path.exists(near):
        near = os.path.dirname(near)
    return os.access(near, os.W_OK)


def leads_outside(script: str, folder: str) -> str:
    """Give where a link that stands in a folder leads to when that is outside; empty when it is not."""
    goal = os.path.realpath(script)
    inside = (goal + "/").startswith(os.path.realpath(folder).rstrip("/") + "/")
    return "" if inside or not script else goal


def count_processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_interpreter(name: str, environ: Mapping[str, str], reading: Reading) -> str:
    """Find an interpreter on PATH.

    Args:
        name: A path or a name; empty for the Python of the caller's shell: of the active virtual or conda environment,
            else `python3` or `python` on PATH.
        environ: The caller's environment.
        reading: Takes note of what was looked at.

    Returns:
        Its absolute path; empty when there is none.
    """
    if name and "/" in name:
        path = os.path.abspath(os.path.expanduser(name))
        return path if reading.watch(path) == "file" else ""
    folders = [folder for folder in environ.get("PATH", os.defpath).split(":") if folder]
    active = [os.path.join(environ[key], "bin") for key in ("VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(key)]
    for candidate in [name] if name else ["python3", "python"]:
        for folder in folders if name else [*active, *folders]:
            path = os.path.abspath(os.path.join(folder, candidate))
            if reading.watch(path) == "file" and os.access(path, os.X_OK):
                return path if _is_interpreter(path) else _ask_stand_in(path, environ, reading)
    return ""


def _is_interpreter(path: str) -> bool:
    """Tell an interpreter from what stands in for one: a script (pyenv, asdf), or another program's link (mise)."""
    try:
        with open(path, "rb") as file:
            script = file.read(2) == b"#!"
    except OSError:  # it may be executed, but not read
        return True
    return not script and "py" in os.path.basename(os.path.realpath(path))


def _ask_stand_in(path: str, environ: Mapping[str, str], reading: Reading) -> str:
    """Ask a stand-in which interpreter it would start here (a run starts elsewhere); the path itself when it fails."""
    import subprocess

    home = environ.get("HOME", "")
    folder = os.getcwd()
    folders = {home, environ.get("PYENV_DIR", home)}
    while folder not in folders:
        folders.add(folder)
        folder = os.path.dirname(folder)
    for name in (".python-version", ".tool-versions", "mise.toml", ".mise.toml"):  # a change of these is to be seen
        for place in folders:
            reading.watch(os.path.join(place, name))
    reading.watch(os.path.join(environ.get("PYENV_ROOT", os.path.join(home, ".pyenv")), "version"))
    command = (path, "-I", "-c", "import sys; print(sys.executable)")
    try:
        asked = subprocess.run(command, capture_output=True, check=False, timeout=STAND_IN_LIMIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return path
    answer = os.fsdecode(asked.stdout.strip())
    return answer if os.path.isabs(answer) and reading.watch(answer) == "file" else path


def _hash_requirements(spec: RunSpec) -> tuple[tuple[str, str], ...]:
    """Hash the local files and folders that pip requirements name: their content is part of the definition."""
    python = spec.environment.python if spec.environment else None
    if python is None:
        return ()
    found = []
    for line in python.pip:
        target = line.removeprefix("-e ").removeprefix("--editable ").strip().partition("[")[0]
        if target.startswith((".", "/", "file:")):
            path = os.path.normpath(
                os.path.join(python.directory, target.removeprefix("file://").removeprefix("file:"))
            )
            found.append((line, hash_tree(path)))
    return tuple(found)


def hash_tree(path: str) -> str:
    """Give the SHA-256 of a file, or of a folder's files and their names, 64 hex digits; of nothing when it is missing.

    Raises:
        BadInput: a file of it cannot be read.
    """
    import hashlib

    digest = hashlib.sha256()
    names = [path] if os.path.isfile(path) else []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in {"__pycache__", ".git"})
        names += [os.path.join(folder, name) for name in sorted(files)]
    for name in names:
        digest.update(os.path.relpath(name, path).encode(errors="surrogateescape") + b"\0")
        if os.path.isfile(name):
            digest.update(_hash_file(name))
    return digest.hexdigest()


def _hash_file(path: str) -> bytes:
    import hashlib

    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        message = f"{path}, which a pip requirement names, cannot be read: {error.strerror}"
        raise BadInput(message, hint="make it readable") from None
    return digest.digest()

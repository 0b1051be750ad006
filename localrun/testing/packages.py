"""Conda packages as values: what is in one, read from a wheel, a folder or an installed distribution."""

from __future__ import annotations

import os
import re
import zipfile
from email.parser import HeaderParser
from typing import TYPE_CHECKING

from localrun.errors import BadInput
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import Distribution

_CONSOLE_SECTION = "[console_scripts]"


@value
class PackageFile:
    """One file of a package.

    Attributes:
        path: Its place below the prefix, with forward slashes; of a noarch python package below `site-packages/` or
            `python-scripts/`.
        source: The file on disk that holds its content; empty when `content` or `link` is given.
        content: Its content.
        link: For a symbolic link, the target.
        placeholder: Text in it that linking replaces by the prefix; only for text files.
        executable: Whether it may be executed; a file with `source` keeps the mode of that file as well.
    """

    path: str
    source: str = ""
    content: bytes = b""
    link: str = ""
    placeholder: str = ""
    executable: bool = False


@value
class Package:
    """A conda package.

    Attributes:
        name: Its name, in lower case.
        version: Its version.
        files: What is linked into a prefix.
        depends: Match specs.
        build: The build string.
        build_number: The build number.
        subdir: `noarch` or a platform such as `linux-64`.
        noarch: `python` (files are placed into the interpreter's site-packages), `generic`, or empty with a platform.
        entry_points: Of a noarch python package, such as `pip = pip._internal.cli.main:main`.
        paths_json: The text of `info/paths.json`, for a package that lies about its files; empty: the truth.
        index_json: Fields that replace or extend those of `info/index.json`, as pairs of names and values.
    """

    name: str
    version: str
    files: tuple[PackageFile, ...] = ()
    depends: tuple[str, ...] = ()
    build: str = "0"
    build_number: int = 0
    subdir: str = "noarch"
    noarch: str = "generic"
    entry_points: tuple[str, ...] = ()
    paths_json: str = ""
    index_json: tuple[tuple[str, object], ...] = ()


def read_wheel(wheel: str) -> Package:
    """Read a pure wheel as a noarch python package.

    It depends on the Python that its metadata ask for, and on nothing else: what it requires from an index is the
    caller's to name (`values.replace(package, depends=…)`).

    Args:
        wheel: The path of the `.whl` file.

    Raises:
        BadInput: the file is not a wheel, or has parts for which a conda package has no place.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = {item.filename: archive.read(item) for item in archive.infolist() if not item.is_dir()}
    except (OSError, zipfile.BadZipFile) as error:
        raise BadInput(f"not a wheel: {error}", file=wheel) from error
    metadata = next((text for path, text in members.items() if path.endswith(".dist-info/METADATA")), None)
    if metadata is None:
        raise BadInput("not a wheel: it has no METADATA", file=wheel)
    entry_points = next((text for path, text in members.items() if path.endswith(".dist-info/entry_points.txt")), b"")
    files = [PackageFile(path=_place(path, wheel), content=content) for path, content in members.items()]
    return _describe(metadata.decode(), entry_points.decode(), files)


def read_distribution(distribution: Distribution) -> Package:
    """Read an installed pure Python distribution back into a noarch python package.

    Raises:
        BadInput: nothing says which files it consists of.
    """
    if distribution.files is None or not distribution.read_text("METADATA"):
        raise BadInput(f"the installed {distribution.name} has no RECORD of its files, or no METADATA")
    files = [
        PackageFile(path=f"site-packages/{file}", source=os.fspath(file.locate()))
        for file in distribution.files
        if not str(file).startswith(("..", "/")) and "__pycache__" not in str(file)
    ]
    texts = distribution.read_text("METADATA") or "", distribution.read_text("entry_points.txt") or ""
    return _describe(*texts, [file for file in files if os.path.isfile(file.source)])


def read_folder(folder: str, name: str, version: str) -> Package:
    """Read a folder as a generic package: what lies in it is linked at the same place below the prefix.

    Symbolic links stay links; executable files stay executable.
    """
    files = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for leaf in sorted([*names, *(item for item in folders if os.path.islink(os.path.join(parent, item)))]):
            source = os.path.join(parent, leaf)
            path = os.path.relpath(source, folder)
            link = os.readlink(source) if os.path.islink(source) else ""
            files.append(PackageFile(path=path, source="" if link else source, link=link))
    return Package(name=name, version=version, files=tuple(files))


def _describe(metadata: str, entry_points: str, files: Iterable[PackageFile]) -> Package:
    fields = HeaderParser().parsestr(metadata)
    wanted = str(fields.get("Requires-Python", "")).replace(" ", "")
    kept = [file for file in files if not file.path.endswith(".dist-info/INSTALLER")]
    info = next(file.path.rpartition("/")[0] for file in kept if file.path.endswith(".dist-info/METADATA"))
    # as conda-build marks it: such a package is conda's to replace and remove, not pip's
    installer = PackageFile(path=f"{info}/INSTALLER", content=b"conda\n")
    return Package(
        name=re.sub(r"[-_.]+", "-", str(fields["Name"])).lower(),
        version=str(fields["Version"]),
        files=(*kept, installer),
        depends=(f"python {wanted}".strip(),),
        build="py_0",
        noarch="python",
        entry_points=_read_console_scripts(entry_points),
    )


def _read_console_scripts(entry_points: str) -> tuple[str, ...]:
    found: list[str] = []
    inside = False
    for line in map(str.strip, entry_points.splitlines()):
        if line.startswith("["):
            inside = line == _CONSOLE_SECTION
        elif inside and "=" in line:
            found.append(re.sub(r"\s*\[.*\]$", "", line))
    return tuple(found)


def _place(path: str, wheel: str) -> str:
    parent, _, rest = path.partition("/")
    if not parent.endswith(".data"):
        return f"site-packages/{path}"
    kind, _, rest = rest.partition("/")
    if kind in ("purelib", "platlib"):
        return f"site-packages/{rest}"
    if kind == "scripts":
        return f"python-scripts/{rest}"
    raise BadInput(f"{path} has no place in a conda package", file=wheel)

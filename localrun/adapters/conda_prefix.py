"""An existing conda environment, read from its own metadata; no conda is needed.

`conda-meta/*.json` lists conda's packages with their channels, `*.dist-info` those of pip; what `conda list` shows
comes from the same files. By name it is found as conda does: in ~/.conda/environments.txt and in the configured
folders of environments.
"""

from __future__ import annotations

import json
import os
import re

from localrun.adapters.condarc import ALIAS, DEFAULTS, list_setting, read_condarc
from localrun.errors import BadInput
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_ROOTS = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".local/share/mamba")
"""Where installers of conda, mamba and micromamba put themselves below a home folder, by default."""


@value
class CondaPrefix:
    """What is installed in a conda environment.

    Attributes:
        path: Its absolute path.
        name: The last part of that.
        conda: `name=version` of each conda package, by name.
        pip: What pip has installed, by name: `name==version`, a URL, or `-e FOLDER`.
        channels: Where the conda packages came from: in the order of the user's settings, then by number of packages.
    """

    path: str
    name: str
    conda: tuple[str, ...]
    pip: tuple[str, ...]
    channels: tuple[str, ...]


def conda_mapping(found: CondaPrefix) -> dict[str, object]:
    """Give the content of a conda file that describes the environment."""
    dependencies: list[object] = list(found.conda)
    if found.pip:
        dependencies.append({"pip": list(found.pip)})
    return {"name": found.name, "channels": list(found.channels), "dependencies": dependencies}


def read_conda_prefix(name: str, environ: Mapping[str, str], home: str) -> CondaPrefix:
    """Read an existing conda environment.

    Args:
        name: Its name, or the path of its prefix.
        environ: The caller's environment variables.
        home: The user's home folder.

    Raises:
        BadInput: there is none, or its metadata cannot be read.
    """
    settings = read_condarc(environ, home)
    path = find_conda_prefix(name, environ, home, list_setting(settings, "envs_dirs"))
    records = _read_records(path)
    owned = {str(file) for record in records for file in record.get("files") or ()}
    pairs = sorted((str(record["name"]), str(record["version"])) for record in records)
    return CondaPrefix(
        path=path,
        name=os.path.basename(path),
        conda=tuple(f"{package}={version}" for package, version in pairs),
        pip=tuple(_read_pip(path, owned)),
        channels=_order_channels(records, list_setting(settings, "channels")),
    )


def find_conda_prefix(name: str, environ: Mapping[str, str], home: str, folders: Iterable[str] = ()) -> str:
    """Give the absolute path of the prefix that a name or a path stands for.

    Args:
        name: As in `read_conda_prefix`.
        environ: The caller's environment variables.
        home: The user's home folder.
        folders: The `envs_dirs` of the user's conda settings.

    Raises:
        BadInput: there is none.
    """
    if "/" in name:
        places = [os.path.abspath(os.path.expanduser(name))]
    else:
        places = [path for path in _known_places(name, environ, home, folders) if os.path.basename(path) == name]
    for path in places:
        if name and name.isprintable() and os.path.isdir(os.path.join(path, "conda-meta")):
            return os.path.realpath(path)
    hint = f"Please make sure the conda environment {name} exists; its prefix can be named as well, as a path."
    raise BadInput(f"Could not find existing conda environment named: {name}", hint=hint)


def _known_places(name: str, environ: Mapping[str, str], home: str, folders: Iterable[str]) -> list[str]:
    try:
        with open(os.path.join(home, ".conda", "environments.txt"), encoding="utf-8", errors="surrogateescape") as file:
            known = [line.strip().rstrip("/") for line in file if line.strip()]
    except OSError:
        known = []
    named = [path for key in ("CONDA_ENVS_DIRS", "CONDA_ENVS_PATH") for path in environ.get(key, "").split(":")]
    roots = [environ.get(key, "") for key in ("CONDA_ROOT", "CONDA_PREFIX_1", "CONDA_PREFIX", "MAMBA_ROOT_PREFIX")]
    if environ.get("CONDA_EXE"):
        roots.append(os.path.dirname(os.path.dirname(environ["CONDA_EXE"])))
    roots += [os.path.join(home, root) for root in _ROOTS] + ["/opt/conda"]
    folders = [*folders, *named, *(os.path.join(root, "envs") for root in roots if root)]
    folders.append(os.path.join(home, ".conda", "envs"))
    return known + [os.path.join(os.path.expanduser(folder), name) for folder in folders if folder]


def _read_records(path: str) -> list[dict[str, Any]]:
    folder = os.path.join(path, "conda-meta")
    records = []
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    except OSError as error:
        raise BadInput(error.strerror or str(error), file=folder, hint="make it readable") from None
    for name in names:
        file = os.path.join(folder, name)
        try:
            with open(file, "rb") as stream:
                record = json.loads(stream.read())
        except (OSError, ValueError, RecursionError) as error:
            raise BadInput(f"the record of a conda package cannot be read: {error}", file=file) from None
        if not isinstance(record, dict) or not _is_plain(record.get("name")) or not _is_plain(record.get("version")):
            raise BadInput("the record of a conda package has no name and version", file=file)
        records.append(record)
    return records


def _is_plain(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_.!+-]+", text) is not None


def _order_channels(records: list[dict[str, Any]], preferred: list[str]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for record in records:
        channel = channel_name(str(record.get("channel") or record.get("url") or ""))
        if channel:
            counts[channel] = counts.get(channel, 0) + 1

    def place(channel: str) -> tuple[int, int, str]:
        known = preferred.index(channel) if channel in preferred else len(preferred)
        return known, -counts[channel], channel

    return tuple(sorted(counts, key=place))


def channel_name(text: str) -> str:
    """Give the channel of a package record as it is written in a conda file, without credentials; empty for none.

    Args:
        text: The URL of a channel, of its subdirectory or of a package; or a channel's name.
    """
    if not text or text.startswith("<") or not text.isprintable():
        return ""
    url = re.sub(r"/[^/]+\.(conda|tar\.bz2)$", "", text.rstrip("/"))
    url = re.sub(r"/(noarch|(linux|osx|win|freebsd|emscripten|wasi|zos)-[a-z0-9_]+)$", "", url)
    url = re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url)
    url = re.sub(r"/t/[^/]+(?=/|$)", "", url)
    if url in DEFAULTS or url in {"pkgs/main", "pkgs/r"}:
        return "defaults"
    return url.removeprefix(f"{ALIAS}/")


def _read_pip(path: str, owned: set[str]) -> list[str]:
    found = {}
    for folder in _site_packages(path):
        for name in sorted(os.listdir(folder)):
            place = os.path.join(folder, name)
            if not name.endswith((".dist-info", ".egg-info")) or _belongs(os.path.relpath(place, path), owned):
                continue
            requirement = _requirement(place)
            if requirement:
                found[name.lower()] = requirement
    return [found[name] for name in sorted(found)]


def _site_packages(path: str) -> list[str]:
    library = os.path.join(path, "lib")
    try:
        names = sorted(name for name in os.listdir(library) if re.fullmatch(r"python\d+(\.\d+)?", name))
    except OSError:
        return []
    folders = [os.path.join(library, name, "site-packages") for name in names]
    seen = {os.path.realpath(folder): folder for folder in folders if os.path.isdir(folder)}
    return list(seen.values())


def _belongs(place: str, owned: set[str]) -> bool:
    return any(f"{place}{ending}" in owned for ending in ("", "/METADATA", "/PKG-INFO", "/RECORD", "/INSTALLER"))


def _requirement(place: str) -> str:
    metadata = _read_text(os.path.join(place, "METADATA")) or _read_text(os.path.join(place, "PKG-INFO"))
    metadata = metadata or (_read_text(place) if os.path.isfile(place) else "")
    fields = dict(re.findall(r"^(Name|Version):[ \t]*(\S+)", metadata.partition("\n\n")[0], re.MULTILINE))
    if not _is_plain(fields.get("Name")) or not _is_plain(fields.get("Version")):
        return ""
    return _direct(place, fields["Name"]) or f"{fields['Name']}=={fields['Version']}"


def _direct(place: str, name: str) -> str:
    """Give the requirement of a package from a URL or a folder (PEP 610); empty when it came from an index."""
    try:
        origin = json.loads(_read_text(os.path.join(place, "direct_url.json")) or "{}")
    except (ValueError, RecursionError):
        return ""
    url = origin.get("url") if isinstance(origin, dict) else None
    if not isinstance(url, str) or not url.isprintable():
        return ""
    url = re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url)
    if isinstance(origin.get("dir_info"), dict) and origin["dir_info"].get("editable"):
        return f"-e {url.removeprefix('file://')}"
    source = origin.get("vcs_info")
    if isinstance(source, dict) and isinstance(source.get("vcs"), str):
        return f"{name} @ {source['vcs']}+{url}@{source.get('commit_id', '')}".rstrip("@")
    return f"{name} @ {url}"


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20)
    except OSError:
        return ""

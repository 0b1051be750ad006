"""Write conda packages as `.conda` archives: a zip that holds two tar files compressed by zstd.

The format is conda's own (CEP for `.conda`, format version 2); `info/paths.json` and `info/index.json` follow the
conda package specification.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import time
import zipfile

from localrun.testing.packages import Package, PackageFile

_LEVEL = 1
"""The lowest compression of zstd: these archives are made and read on one machine."""


def write_archive(package: Package, channel: str) -> str:
    """Write a package into its folder of a channel, and give the path of the archive.

    The channel's index does not know it yet (`index_channel`).
    """
    folder = os.path.join(channel, package.subdir)
    os.makedirs(folder, exist_ok=True)
    stem = f"{package.name}-{package.version}-{package.build}"
    path = os.path.join(folder, f"{stem}.conda")
    info, content = _describe_content(package)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("metadata.json", json.dumps({"conda_pkg_format_version": 2}))
        archive.writestr(f"pkg-{stem}.tar.zst", content)
        archive.writestr(f"info-{stem}.tar.zst", _pack(info))
    return path


def _describe_content(package: Package) -> tuple[list[PackageFile], bytes]:
    """Give the files below `info/`, and the compressed tar of the others."""
    paths = [_describe_path(file) for file in package.files]
    paths_json = package.paths_json or json.dumps({"paths_version": 1, "paths": paths})
    texts = {"index.json": json.dumps(_describe_index(package)), "paths.json": paths_json}
    texts["files"] = "".join(f"{file.path}\n" for file in package.files)
    texts["about.json"] = json.dumps({"summary": f"{package.name}, packed by localrun.testing"})
    if package.noarch == "python":
        noarch = {"type": "python", "entry_points": package.entry_points}
        texts["link.json"] = json.dumps({"noarch": noarch, "package_metadata_version": 1})
    info = [PackageFile(path=f"info/{name}", content=text.encode()) for name, text in texts.items()]
    return info, _pack(package.files)


def _describe_index(package: Package) -> dict[str, object]:
    platform, _, width = package.subdir.partition("-")
    fields: dict[str, object] = {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": package.build_number,
        "depends": package.depends,
        "subdir": package.subdir,
        "timestamp": int(time.time() * 1000),
    }
    if package.subdir == "noarch":
        fields["noarch"] = package.noarch
    else:
        fields |= {"platform": platform, "arch": {"64": "x86_64"}.get(width, width)}
    return fields | dict(package.index_json)


def _describe_path(file: PackageFile) -> dict[str, object]:
    content = file.link.encode() if file.link else _read(file)
    entry: dict[str, object] = {
        "_path": file.path,
        "path_type": "softlink" if file.link else "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
    if file.placeholder:
        entry |= {"file_mode": "text", "prefix_placeholder": file.placeholder}
    return entry


def _pack(files: tuple[PackageFile, ...] | list[PackageFile]) -> bytes:
    import zstandard

    buffer = io.BytesIO()
    with (
        zstandard.ZstdCompressor(level=_LEVEL, threads=-1).stream_writer(buffer, closefd=False) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for file in files:
            _add(archive, file)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, file: PackageFile) -> None:
    member = tarfile.TarInfo(file.path)
    if file.link:
        member.type, member.linkname = tarfile.SYMTYPE, file.link
        archive.addfile(member)
        return
    content = _read(file)
    status = os.stat(file.source) if file.source else None
    executable = file.executable or bool(status and status.st_mode & 0o100)
    member.size, member.mode = len(content), 0o755 if executable else 0o644
    # whole seconds, as the bytecode of a module records them: it stays valid when it is unpacked
    member.mtime = int(status.st_mtime if status else time.time())
    archive.addfile(member, io.BytesIO(content))


def _read(file: PackageFile) -> bytes:
    if not file.source:
        return file.content
    with open(file.source, "rb") as stream:
        return stream.read()

"""The index of a channel: made by the real indexer, and spoiled on purpose for tests of what happens then."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from localrun.errors import EnvironmentFailed

_INDEX = """
import asyncio, os, sys
from rattler.index import index_fs
try:
    asyncio.run(index_fs(sys.argv[1], force=True))
except BaseException as error:
    print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    os._exit(1)
os._exit(0)
"""
"""A process of its own that leaves by `os._exit`: py-rattler 0.28 can crash while the interpreter shuts down."""


def index_channel(channel: str) -> None:
    """Write the repodata of every folder of a channel, as `rattler-index` does it.

    Args:
        channel: The channel's folder; `noarch` is made when it is missing.

    Raises:
        EnvironmentFailed: the indexer could not read a package or write the index.
    """
    os.makedirs(os.path.join(channel, "noarch"), exist_ok=True)
    done = subprocess.run(
        (sys.executable, "-I", "-c", _INDEX, channel),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise EnvironmentFailed(f"the channel {channel} could not be indexed", detail=done.stderr)


def spoil_repodata(channel: str, how: str) -> None:
    """Take the hashes out of the index of a channel on disk, or alter them.

    The other forms of the index (compressed, sharded) are removed, so that clients read the spoiled one.

    Args:
        channel: The channel's folder.
        how: `missing` or `wrong`.
    """
    for subdir in os.listdir(channel):
        path = os.path.join(channel, subdir, "repodata.json")
        if not os.path.isfile(path):
            continue
        with open(path, "rb") as stream:
            content = change_hashes(stream.read(), how)
        for name in filter(is_other_repodata, os.listdir(os.path.dirname(path))):
            os.remove(os.path.join(os.path.dirname(path), name))
        with open(path, "wb") as stream:
            stream.write(content)


def is_other_repodata(name: str) -> bool:
    """Whether a file name is that of a compressed or sharded index."""
    return name.startswith("repodata") and name != "repodata.json"


def change_hashes(content: bytes, how: str) -> bytes:
    """Give the text of a `repodata.json` whose hashes are `missing`, or `wrong`: each is written backwards."""
    document = json.loads(content)
    for section in ("packages", "packages.conda"):
        for record in document.get(section, {}).values():
            for name in {"md5", "sha256"} & record.keys():
                if how == "missing":
                    del record[name]
                else:
                    record[name] = record[name][::-1]
    return json.dumps(document).encode()

"""What the tests of locks share: a channel on a server, and lock files as conda-lock writes them."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import threading

from environment_kit import fill_channel, text_package
from packages_kit import make_wheel

NAMES = ("part-1.0-0.conda", "whole-1.0-0.conda")


def make_parts(folder):
    """Make a channel of `part`, twice, and `whole`, which needs it; give its folder."""
    packages = [text_package("part", "1.0"), text_package("part", "2.0"), text_package("whole", depends=("part",))]
    fill_channel(folder, packages)
    return folder


@contextlib.contextmanager
def serve(folder):
    """Give the address of a server for the files of a folder."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given):
            super().__init__(*given, directory=str(folder))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def write_lock(localrun, url, channel, names, *, platform="linux-64", **changes):
    """Write a lock file as conda-lock 1 to 3 do."""
    with open(os.path.join(channel, "noarch", "repodata.json"), encoding="utf-8") as file:
        known = json.load(file)["packages.conda"]
    package = [
        {
            "name": known[name]["name"],
            "version": known[name]["version"],
            "manager": "conda",
            "platform": platform,
            "dependencies": {},
            "url": f"{url}/noarch/{name}",
            "hash": {key: known[name][key] for key in ("md5", "sha256")},
            "category": "main",
            "optional": False,
        }
        | changes
        for name in names
    ]
    metadata = {
        "content_hash": {platform: "0" * 64},
        "channels": [{"url": url, "used_env_vars": []}],
        "platforms": [platform],
        "sources": ["environment.yml"],
    }
    text = json.dumps({"version": 1, "metadata": metadata, "package": package})
    return localrun.write("conda-lock.yml", text)


def write_python_lock(localrun, folder, tmp_path):
    """Write a lock of a channel's python and pip, and of a wheel that lies in a folder; remove nothing."""
    wheel = make_wheel(str(tmp_path / "wheels"))
    with open(wheel, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    entries = []
    for subdir in ("linux-64", "noarch"):
        with open(os.path.join(folder, subdir, "repodata.json"), encoding="utf-8") as file:
            known = json.load(file)["packages.conda"]
        for name, record in known.items():
            hashes = {key: record[key] for key in ("md5", "sha256")}
            url = f"file://{folder}/{subdir}/{name}"
            entries.append({"name": record["name"], "version": record["version"], "manager": "conda"})
            entries[-1] |= {"platform": "linux-64", "url": url, "hash": hashes}
    entries.append({"name": "greeting", "version": "1.0", "manager": "pip", "platform": "linux-64"})
    entries[-1] |= {"url": f"file://{wheel}", "hash": {"sha256": digest}}
    metadata = {"channels": [{"url": f"file://{folder}"}], "platforms": ["linux-64"], "sources": ["environment.yml"]}
    return localrun.write("conda-lock.yml", json.dumps({"version": 1, "metadata": metadata, "package": entries}))


def listed(prefix):
    return sorted(name for name in os.listdir(os.path.join(prefix, "conda-meta")) if name.endswith(".json"))

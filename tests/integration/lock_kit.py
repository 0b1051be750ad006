"""What the tests of locks share: a channel on a server, and lock files as conda-lock writes them."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import threading


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


def listed(prefix):
    return sorted(name for name in os.listdir(os.path.join(prefix, "conda-meta")) if name.endswith(".json"))

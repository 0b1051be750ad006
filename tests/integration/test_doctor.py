"""`localrun doctor` on a machine that is well, and on one that is not."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(401 if "private" in self.path else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def examine(localrun, tmp_path, channels, index, **env):
    (tmp_path / "condarc").write_text(f"channels: {json.dumps(channels)}\n")
    known = {
        "CONDARC": str(tmp_path / "condarc"),
        "UV_DEFAULT_INDEX": index,
        "NO_PROXY": "*",
        "LOCALRUN_SECRETS": "file",
    }
    done = localrun.command("doctor", "--format", "json", env=known | env)
    return done.returncode, {item["name"]: item for item in json.loads(done.stdout)}


def test_a_machine_that_is_well(localrun, tmp_path, server):
    code, found = examine(localrun, tmp_path, [f"{server}/forge"], f"{server}/simple")
    assert code == 0
    assert {found[name]["status"] for name in ("python", "workspace", "channel", "package index", "clock")} == {"ok"}
    assert found["engine"]["says"]


def test_what_is_missing_is_named_with_what_to_do(localrun, tmp_path, server):
    bad = {"SSL_CERT_FILE": str(tmp_path / "nope"), "DOCKER_HOST": f"unix://{tmp_path}/nope.sock"}
    code, found = examine(localrun, tmp_path, ["http://127.0.0.1:1/forge"], f"{server}/private", **bad)
    assert code == 1
    assert found["certificates"]["status"] == "failed"
    for name in ("engine", "channel", "package index"):
        assert found[name]["status"] == "warning"
        assert found[name]["hint"]
    assert "wants credentials" in found["package index"]["says"]


def test_offline_asks_nobody(localrun):
    done = localrun.command("doctor", "--offline", env={"LOCALRUN_SECRETS": "file"})
    assert b"package index" not in done.stdout
    assert b"ok       workspace" in done.stdout

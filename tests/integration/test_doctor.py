"""`localrun doctor` on a machine that is well, and on one that is not."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from run_kit import hear, wait_until


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
    named = {"disk", "ulimit", "inotify", "shm", "secrets", "gpu", "engine", "contexts", "proxies", "certificates"}
    assert named <= found.keys()


def test_what_is_missing_is_named_with_what_to_do(localrun, tmp_path, server):
    bad = {"SSL_CERT_FILE": str(tmp_path / "nope"), "DOCKER_HOST": f"unix://{tmp_path}/nope.sock"}
    code, found = examine(localrun, tmp_path, ["http://127.0.0.1:1/forge"], f"{server}/private", **bad)
    assert code == 1
    assert found["certificates"]["status"] == "failed"
    for name in ("engine", "channel", "package index"):
        assert found[name]["status"] == "warning"
        assert found[name]["hint"]
    assert "wants credentials" in found["package index"]["says"]
    assert [item for item in found.values() if item["status"] != "ok" and not item["hint"]] == []


def test_offline_asks_nobody(localrun):
    done = localrun.command("doctor", "--offline", env={"LOCALRUN_SECRETS": "file"})
    assert b"package index" not in done.stdout
    assert b"ok       workspace" in done.stdout


def count_rows(localrun):
    with contextlib.closing(sqlite3.connect(os.path.join(localrun.home, "localrun.db"))) as connection:
        return connection.execute("SELECT count(*) FROM runs").fetchone()[0]


def test_repair_brings_back_every_run_while_one_lives(localrun):
    own = ("-E", f"interpreter:{sys.executable}")
    localrun.write("train.py", "")
    assert localrun.run("-q", *own, "train.py").returncode == 0
    fifo = localrun.fifo()
    child = localrun.start("run", "-q", *own, "--command", f"echo here > {fifo}; read line < {fifo}; exit 3")
    hear(fifo)
    wait_until(lambda: count_rows(localrun) == 2, 60)  # its supervisor writes no more until it ends
    for name in os.listdir(localrun.home):
        if name.startswith("localrun.db"):
            os.unlink(os.path.join(localrun.home, name))
    with open(os.path.join(localrun.home, "localrun.db"), "wb") as file:
        file.write(b"SQLite format 3\0" + os.urandom(8000))
    looked = localrun.command("doctor", "--offline", "--format", "json", env={"LOCALRUN_SECRETS": "file"})
    (found,) = [item for item in json.loads(looked.stdout) if item["name"] == "records"]
    assert (found["status"], found["hint"]) == ("warning", "localrun doctor --repair")
    done = localrun.command("doctor", "--repair")
    assert done.returncode == 0, done.stderr
    assert b"made again" in done.stdout
    assert b"2 runs read again" in done.stdout
    rows = json.loads(localrun.command("ps", "-a", "--format", "json").stdout)
    assert [row["status"] for row in rows] == ["running", "completed"]
    with open(fifo, "w", encoding="ascii") as file:
        file.write("go\n")
    child.communicate(timeout=60)
    rows = json.loads(localrun.command("ps", "-a", "--format", "json").stdout)
    assert [(row["status"], row["exit_code"]) for row in rows] == [("failed", 3), ("completed", 0)]


def test_what_cannot_be_recovered_is_named(localrun):
    localrun.write("train.py", "")
    for _ in range(2):
        assert localrun.run("-q", "-E", f"interpreter:{sys.executable}", "train.py").returncode == 0
    damaged, gone = localrun.records()
    with open(f"{damaged['folder']}/run.json", "wb") as file:
        file.write(b"{")
    shown = localrun.command("inspect", damaged["run_id"])
    assert shown.returncode == 125
    assert b"localrun doctor --repair" in shown.stderr
    shutil.rmtree(gone["folder"])
    database = os.path.join(localrun.home, "localrun.db")
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    done = localrun.command("doctor", "--repair")
    assert done.returncode == 1
    assert f"the record of run {damaged['run_id']} is lost: its status is known".encode() in done.stdout
    assert f"run {gone['run_id']} (completed".encode() in done.stdout
    record = json.loads(localrun.command("inspect", damaged["run_id"]).stdout)
    assert (record["status"], record["exit_code"]) == ("completed", 0)
    assert localrun.command("rerun", damaged["run_id"]).stderr.splitlines()[-1] == b"kind=store_corrupt"
    assert localrun.command("rm", damaged["run_id"]).returncode == 0

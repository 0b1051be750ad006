"""What is asked of a real engine: answers, uploads, streams and attached processes."""

from __future__ import annotations

import io
import os
import select
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from engine_kit import BARE

from localrun.adapters.containers import find_image, remove_image
from localrun.adapters.engine import EngineLost, EngineRefused, connect, find_endpoint
from localrun.adapters.engine_containers import begin_wait
from localrun.adapters.engine_http import split_frames

LABELS = {"localrun.test": "engine-requests"}


@pytest.fixture
def api():
    one = connect(find_endpoint(os.environ, os.path.expanduser("~")))
    yield one
    one.close()


@pytest.fixture
def container(api):
    """Give the id of a container that waits; it is removed at the end."""
    body = {"Image": BARE, "Cmd": ["sleep", "600"], "Labels": LABELS, "NetworkDisabled": True}
    made = api.ask("POST", "/containers/create", body=body)["Id"]
    yield made
    api.ask("DELETE", f"/containers/{made}", query={"force": True})


def pack(name, data):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()


def test_an_archive_goes_in_as_pieces_and_as_a_file_and_comes_out(api, container):
    data = os.urandom(3_000_000)
    packed = pack("one", data)
    pieces = (packed[at : at + 100_000] for at in range(0, len(packed), 100_000))
    path = f"/containers/{container}/archive"
    assert api.send("PUT", path, query={"path": "/tmp"}, body=pieces) is None
    assert api.send("PUT", path, query={"path": "/srv"}, body=io.BytesIO(packed)) is None
    for place in ("/tmp/one", "/srv/one"):
        found = b"".join(api.stream("GET", path, query={"path": place}))
        with tarfile.open(fileobj=io.BytesIO(found)) as archive:
            assert archive.extractfile("one").read() == data


def test_an_upload_that_is_refused_before_its_end_is_told_with_the_engine_s_words(api):
    with pytest.raises(EngineRefused, match="No such container") as told:
        api.send("PUT", "/containers/nowhere/archive", query={"path": "/"}, body=(bytes(100_000) for _ in range(300)))
    assert told.value.status == 404
    assert api.ask("GET", "/_ping") == "OK"


def test_the_end_of_a_container_is_seen_by_a_descriptor_and_brings_the_exit_code(api, container):
    waiting = begin_wait(api, container)
    assert not waiting.is_complete()
    api.ask("POST", f"/containers/{container}/start")
    api.ask("POST", f"/containers/{container}/kill", query={"signal": "KILL"})
    while not waiting.is_complete():
        assert select.select([waiting], [], [], 60)[0]
    assert waiting.take()["StatusCode"] == 137


def test_an_attached_process_talks_both_ways(api, container):
    api.ask("POST", f"/containers/{container}/start")
    body = {"Cmd": ["sh", "-c", "cat; echo over >&2"], "AttachStdin": True, "AttachStdout": True, "AttachStderr": True}
    made = api.ask("POST", f"/containers/{container}/exec", body=body)["Id"]
    channel = api.hijack("POST", f"/exec/{made}/start", body={"Detach": False, "Tty": False})
    channel.settimeout(60)
    channel.sendall(b"there and back")
    channel.close_write()
    data = b""
    while piece := channel.recv():
        data += piece
    channel.close()
    frames, rest = split_frames(data)
    assert (sorted(frames), rest) == ([(1, b"there and back"), (2, b"over\n")], b"")  # two pipes have no order
    assert api.ask("GET", f"/exec/{made}/json")["ExitCode"] == 0


def test_an_empty_answer_is_none_and_an_error_has_its_status(api, container):
    assert api.ask("POST", f"/containers/{container}/start") is None
    with pytest.raises(EngineRefused) as told:
        api.ask("POST", f"/containers/{container}/kill", query={"signal": "NOSIG"})
    assert (told.value.status, told.value.code) == (400, "docker_refused")


def test_an_engine_that_is_killed_is_lost_and_answers_again_once_it_is_back(second_engine):
    api = connect(find_endpoint(second_engine.environ, "/nowhere"))
    events = api.open_stream("GET", "/events")
    assert api.ask("GET", "/_ping") == "OK"
    second_engine.kill()
    with pytest.raises(EngineLost) as lost:
        events.read(60)
    assert lost.value.code == "daemon_lost"
    events.close()
    with pytest.raises(EngineLost, match="is lost"):
        api.ask("GET", "/_ping")
    second_engine.up()
    assert api.ask("GET", "/_ping") == "OK"
    api.close()


def test_asking_imports_next_to_nothing():
    code = (
        "import os, sys; import localrun.runner; before = set(sys.modules)\n"
        "from localrun.adapters.engine import connect, find_endpoint\n"
        "connect(find_endpoint(os.environ, os.path.expanduser('~'))).ask('GET', '/images/" + BARE + "/json')\n"
        "print(*sorted(m for m in set(sys.modules) - before if not m.startswith('localrun.adapters.engine')))\n"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, timeout=60, check=True)
    assert set(done.stdout.decode().split()) <= {"_json", "_socket", "errno", "select", "localrun.adapters"}


def test_an_image_that_two_remove_at_a_time_is_removed_once(api, container):
    other = connect(find_endpoint(os.environ, os.path.expanduser("~")))
    try:
        for _ in range(30):
            made = api.ask("POST", "/commit", query={"container": container, "pause": False}, body={"Labels": LABELS})
            with ThreadPoolExecutor(2) as both:
                removed = [both.submit(remove_image, engine, made["Id"]) for engine in (api, other)]
            assert sorted(one.result() for one in removed) in ([False, True], [True, True])
            assert find_image(api, made["Id"]) is None
    finally:
        other.close()


def test_an_image_that_is_in_use_is_not_removed(api, container):
    made = api.ask("POST", "/commit", query={"container": container}, body={"Labels": LABELS})["Id"]
    user = api.ask("POST", "/containers/create", body={"Image": made, "Cmd": ["true"], "Labels": LABELS})["Id"]
    assert not remove_image(api, made)
    api.ask("DELETE", f"/containers/{user}")
    assert remove_image(api, made)
    assert not remove_image(api, made)

"""The server of the fault tests does what it is told to, path by path."""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
import urllib.request

import pytest

from localrun.testing import Fault, Package, Request, make_package, serve

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "noarch").mkdir()
    (tmp_path / "noarch/file").write_bytes(CONTENT)
    return str(tmp_path)


def get(server, path="/noarch/file", timeout=5, **headers):
    request = urllib.request.Request(server.url + path, headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout) as answer:
        return answer.read()


def status(server, path="/noarch/file", **headers):
    try:
        get(server, path, **headers)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


def test_files_are_served_and_requests_are_told(folder):
    with serve(folder) as server:
        assert get(server) == CONTENT
        assert status(server, "/absent") == 404
        assert status(server, "/../../etc/passwd") == 404
        assert server.requests[:2] == [
            Request(method="GET", path="/noarch/file", status=200),
            Request(method="GET", path="/absent", status=404),
        ]


def test_a_status_comes_so_often_as_asked_or_always(folder):
    with serve(folder, {"/noarch/*": Fault(status=503, times=2)}) as server:
        assert [status(server) for _ in range(4)] == [503, 503, 200, 200]
    with serve(folder, {"*": Fault(status=500)}) as server:
        assert [status(server) for _ in range(3)] == [500] * 3


def test_a_stalled_answer_does_not_come_and_does_not_hold_the_server(folder):
    started = time.monotonic()
    with serve(folder, {"*": Fault(stall_s=60)}) as server, pytest.raises(OSError, match="timed out"):
        get(server, timeout=0.2)
    with serve(folder, {"*": Fault(stall_s=60, stall_after=100)}) as server, pytest.raises(OSError, match="timed out"):
        get(server, timeout=0.2)
    assert time.monotonic() - started < 30  # not the 60 s that it stalls


def test_a_truncated_answer_announces_the_whole(folder):
    with (
        serve(folder, {"*": Fault(truncate=100)}) as server,
        pytest.raises(http.client.IncompleteRead) as told,
    ):
        get(server)
    assert told.value.partial == CONTENT[:100]


def test_one_byte_is_flipped(folder):
    with serve(folder, {"*": Fault(flip=-1)}) as server:
        assert get(server) == CONTENT[:-1] + b"\x00"


def test_a_page_stands_in_for_the_file(folder):
    with serve(folder, {"*": Fault(html="<html>log in</html>")}) as server:
        assert get(server) == b"<html>log in</html>"


def test_credentials_are_asked_for(folder):
    right = "Basic " + base64.b64encode(b"ann:secret").decode()
    with serve(folder, {"*": Fault(auth="ann:secret")}) as server:
        assert [status(server), status(server, Authorization="Basic eDp5"), status(server, Authorization=right)] == [
            401,
            401,
            200,
        ]


@pytest.mark.parametrize(("how", "expected"), [("missing", False), ("wrong", True)])
def test_hashes_of_the_index_are_spoiled(tmp_path, how, expected):
    make_package(str(tmp_path), Package(name="odd", version="1.0"))
    with serve(str(tmp_path), {"*/repodata*": Fault(hashes=how)}) as server:
        (record,) = json.loads(get(server, "/noarch/repodata.json"))["packages.conda"].values()
        assert status(server, "/noarch/repodata.json.zst") == 404
    (right,) = json.loads((tmp_path / "noarch/repodata.json").read_text())["packages.conda"].values()
    assert ("sha256" in record) is expected
    assert record.get("sha256") != right["sha256"]

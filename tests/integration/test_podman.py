"""A run in containers of Podman, over its docker socket."""

from __future__ import annotations

import os
import signal

import pytest
from contained_kit import Contained, use
from engine_kit import BARE, PodmanEngine, running
from run_kit import wait_until

NETWORK = ("--network", "host")
"""The network of the engine's own namespace: Podman's bridges want programs that not every machine has."""
SCRIPT = """
echo "$RANK $LOCAL_RANK $WORLD_SIZE $GIVEN $(cat /proc/1/environ | grep -c planted)"
echo $RANK > outputs/$RANK
[ $RANK = 0 ] && sleep 600
until [ -e outputs/0 ]; do sleep 0.1; done
exit 7
"""


@pytest.fixture(scope="module")
def podman(engine, tmp_path_factory):
    with running(PodmanEngine(tmp_path_factory.mktemp("podman")), engine, BARE) as one:
        yield one


@pytest.fixture
def contained(own_workspace, tmp_path, podman, mounting):
    yield from use(Contained(own_workspace, tmp_path / "source", podman, BARE))


def test_ranks_run_in_containers_of_podman_and_the_first_that_fails_ends_them(contained):
    contained.write("train.sh", SCRIPT)
    words = ("-n", "2", "-e", "GIVEN=planted", *NETWORK, "--source", ".", "--command", "sh train.sh")
    done = contained.run(*words)
    assert done.returncode == 7, done.stderr
    assert b"rank 1 (node 0) ended with exit code 7" in done.stderr
    assert [contained.log(rank) for rank in range(2)] == [b"0 0 2 planted 0\n", b"1 1 2 planted 0\n"]
    record = contained.record()
    assert [rank["status"] for rank in record["ranks"]] == ["stopped", "failed"]
    assert sorted(os.listdir(record["outputs"])) == ["0", "1"]
    assert {os.stat(os.path.join(record["outputs"], name)).st_uid for name in "01"} == {os.geteuid()}


def test_run_in_containers_of_podman_ends_with_the_command(contained):
    words = ("run", *NETWORK, "--command", "trap 'echo told; exit 9' INT; echo on; while :; do sleep 0.1; done")
    with contained.start(*words) as child:
        assert child.stdout.readline() == b"on\n"
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
    assert child.returncode == 130
    assert contained.log() == b"on\ntold\n"
    with contained.start(*words) as child:
        assert child.stdout.readline() == b"on\n"
        child.kill()
        child.communicate(timeout=60)
    wait_until(lambda: not contained.containers(), 60)
    wait_until(lambda: contained.record()["status"] != "running", 30)
    assert contained.record()["kind"] == "front_end_lost"

"""Many processes register at once: nothing is lost and no version is given twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from localrun.workspace import registry

PROCESSES = int(os.environ.get("LOCALRUN_TEST_REGISTRARS", "20"))
EACH = 10
REGISTRAR = """
import json, sys
from localrun.workspace import registry
home, number, each = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for turn in range(each):
    document = {"docker": {"baseImage": f"image:{number}.{turn}"}, "environmentVariables": {}}
    made = registry.register(home, "shared", document)
    print(json.dumps([made.version, document["docker"]["baseImage"]]), flush=True)
"""


def start(home, number):
    return subprocess.Popen(
        [sys.executable, "-c", REGISTRAR, home, str(number), str(EACH)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path):
    return str(tmp_path)


def test_registrations_at_once_lose_nothing_and_give_no_version_twice(home):
    processes = [start(home, number) for number in range(PROCESSES)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    given = [json.loads(line) for process in processes for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in processes] == [0] * PROCESSES
    count = PROCESSES * EACH
    assert sorted(int(version) for version, _ in given) == list(range(1, count + 1))
    for version, image in given:
        assert registry.get(home, "shared", version=version)[1]["docker"]["baseImage"] == image
    assert len(registry.history(home, "shared")) == count
    assert registry.names(home)[0][1:3] == (str(count), count)


def test_killed_registrars_leave_whole_versions_only(home):
    processes = [start(home, number) for number in range(4)]
    for process in processes:
        process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
    for number, process in enumerate(processes):
        time.sleep(0.002 * number)
        process.send_signal(signal.SIGKILL)
    said = [json.loads(line) for process in processes for line in process.communicate()[0].splitlines()]
    listed = {item.version for item in registry.history(home, "shared")} if registry.names(home) else set()
    assert {version for version, _ in said} <= listed
    assert listed == {str(number) for number in range(1, len(listed) + 1)}
    assert registry.register(home, "shared", {"docker": None}).version == str(len(listed) + 1)


def test_unreadable_folder_is_named(home):
    if os.geteuid() == 0:
        os.mkdir(os.path.join(home, "environments.db"))  # root may write everywhere: a folder in its place
    else:
        os.chmod(home, 0o500)
    with pytest.raises(registry.registry_file.StoreFailed, match="environments"):
        registry.register(home, "shared", {"docker": None})

"""Runs on an engine that is on another machine, as far as localrun can know: it is reached through ssh."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from contained_kit import Contained


@pytest.fixture
def far(own_workspace, tmp_path, engine, python_image):
    """Give a driver whose engine is behind an `ssh` that stays on this machine."""
    programs = tmp_path / "programs"
    programs.mkdir()
    real = shutil.which("docker")
    host = engine.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    (programs / "ssh").write_text(f"#!/bin/sh\nexec {real} --host {host} system dial-stdio\n")
    (programs / "ssh").chmod(0o755)
    driver = Far(own_workspace, tmp_path / "source", engine, python_image)
    driver.path = f"{programs}:{os.environ['PATH']}"
    yield driver
    left = [*driver.containers(), *driver.networks(), *driver.volumes()]
    for container in driver.containers():
        engine.docker("rm", "-f", container)
    for network in driver.networks():
        engine.docker("network", "rm", network)
    for volume in driver.volumes():
        engine.docker("volume", "rm", volume)
    assert not left
    assert not driver.wait_for_processes()


class Far(Contained):
    """Runs whose engine is on another machine."""

    path = ""

    def start(self, *words, env=None, **options):
        return super().start(*words, env={"PATH": self.path, "DOCKER_HOST": "ssh://ann@far", **(env or {})}, **options)

    def volumes(self):
        return [one["Name"] for one in self.engine.list("volume", f"label=localrun.owner={self.home}")]


def test_two_ranks_print_and_write_as_on_this_machine(far):
    far.write(
        "train.py",
        """if True:
        import os, sys
        rank = os.environ["RANK"]
        sys.stdout.buffer.write(bytes(range(256)) * 4096 + rank.encode())
        os.makedirs("outputs/deep", exist_ok=True)
        with open(f"outputs/deep/model-{rank}", "w") as file:
            file.write(rank)
        with open(f"logs/{rank}", "w") as file:
            file.write(os.getcwd())
        os.chmod(f"outputs/deep/model-{rank}", 0o400)
        """,
    )
    done = far.run("-n", "2", "train.py", timeout=120)
    assert done.returncode == 0, done.stderr
    record = far.record()
    for rank in range(2):
        expected = bytes(range(256)) * 4096 + str(rank).encode()
        assert hashlib.sha256(far.log(rank)).hexdigest() == hashlib.sha256(expected).hexdigest()
        path = os.path.join(record["folder"], "outputs", "deep", f"model-{rank}")
        with open(path, encoding="ascii") as file:
            assert file.read() == str(rank)
        assert os.stat(path).st_uid == os.geteuid()
        with open(os.path.join(record["folder"], "logs", str(rank)), encoding="utf-8") as file:
            assert file.read() == os.path.join(record["folder"], "wd")


def test_inputs_are_copied_and_outputs_come_back_from_two_nodes(far, tmp_path):
    data = tmp_path / "data"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "rows").write_text("rows")
    far.write(
        "train.py",
        """if True:
        import os, sys
        print(open(sys.argv[1] + "/deep/rows").read(), os.environ["NODE_RANK"])
        open(sys.argv[2] + "/model-" + os.environ["RANK"], "w").write("m")
        """,
    )
    far.write(
        "job.yml",
        "code: .\ncommand: python3 train.py ${{inputs.rows}} ${{outputs.model}}\n"
        f"environment: {{image: '{far.image}'}}\n"
        f"inputs: {{rows: {{type: uri_folder, path: {data}}}}}\noutputs: {{model: {{type: uri_folder}}}}\n"
        "resources: {instance_count: 2}\ndistribution: {type: pytorch}\n",
    )
    done = far.command("run", "job.yml", timeout=120)
    assert done.returncode == 0, done.stderr
    assert [far.log(rank) for rank in range(2)] == [b"rows 0\n", b"rows 1\n"]
    found = [name for _, _, names in os.walk(os.path.join(far.record()["folder"], "named-outputs")) for name in names]
    assert sorted(found) == ["model-0", "model-1"]


def test_exit_codes_and_signals_pass_through(far):
    far.write("end.py", "import os, sys; n = int(sys.argv[1]); n < 0 and os.kill(os.getpid(), -n); sys.exit(n)")
    for number in (0, 77, -9):
        assert far.run("-q", "end.py", str(number)).returncode == (number if number >= 0 else 128 - number)


def test_bootstrap_script_is_heard_and_its_failure_ends_the_node(far):
    far.write("train.py", "print('trained')")
    far.write("prepare.sh", "echo prepared; exit $CODE")
    done = far.run("--bootstrap", "prepare.sh", "-e", "CODE=0", "train.py")
    assert (done.returncode, done.stdout) == (0, b"prepared\ntrained\n"), done.stderr
    done = far.run("--bootstrap", "prepare.sh", "-e", "CODE=3", "train.py")
    assert (done.returncode, done.stdout) == (3, b"prepared\n"), done.stderr


def test_values_are_not_in_the_container_and_not_on_its_disk(far):
    far.write("wait.py", "import os, time; print(os.environ['TOKEN'][:2], flush=True); time.sleep(600)")
    with far.start("run", "-e", "TOKEN=hunter2secret", "wait.py") as child:
        assert child.stdout.readline() == b"hu\n"
        for container in far.containers():
            assert "hunter2secret" not in json.dumps(far.inspect(container))
            exported = subprocess.run(["docker", "export", container], capture_output=True, check=True)
            assert b"hunter2secret" not in exported.stdout
        running = [one for one in far.containers() if far.inspect(one)["State"]["Running"]]
        assert far.engine.docker("exec", running[0], "ls", "/localrun").split() == [
            *("control", "launcher.sh", "out-0", "status")
        ]
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 130


def test_front_end_that_is_killed_leaves_nothing(far):
    far.write("wait.py", "import time; print('here', flush=True); time.sleep(600)")
    with far.start("run", "wait.py") as child:
        assert child.stdout.readline() == b"here\n"
        child.kill()
    deadline = time.monotonic() + 60
    while (far.containers() or far.volumes()) and time.monotonic() < deadline:
        time.sleep(0.1)


def test_supervisor_that_is_killed_leaves_nothing_behind_the_next_command(far):
    far.write("wait.py", "import time; print('here', flush=True); time.sleep(600)")
    with far.start("run", "wait.py") as child:
        assert child.stdout.readline() == b"here\n"
        [entry] = os.scandir(os.path.join(far.home, "active"))
        with open(entry.path, encoding="ascii") as file:
            lines = [line.split() for line in file]
        os.kill(next(int(words[1]) for words in lines if words[0] == "supervisor"), signal.SIGKILL)
        child.wait(60)
    far.command("ls")
    assert not far.containers()
    assert not far.volumes()


def test_source_that_is_used_in_place_is_refused(far):
    far.write("train.py", "")
    done = far.run("--in-place", "train.py")
    assert done.returncode == 125
    assert b"kind=remote_engine" in done.stderr

"""`localrun shell` in a run that has ended and whose nodes were containers."""

from __future__ import annotations

import json
import os
import signal
import subprocess

from run_kit import wait_until
from terminal_kit import end, open_terminal

IN_CONTAINERS = ("-t", "docker", "-E", "image:localrun-test/python")
ASK = 'echo "$RANK $NODE_RANK $GIVEN $FROM_HERE"; pwd; hostname; id -u; cat made; echo back > returned; exit 9'


def containers(localrun):
    words = ("docker", "ps", "-aq", "--filter", f"label=localrun.owner={localrun.home}")
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def list_folders(container):
    """Give the folders in memory that a container's pipe and variables come from."""
    inspected = subprocess.run(("docker", "inspect", container), capture_output=True, check=True).stdout
    sources = [mount["Source"] for mount in json.loads(inspected)[0]["Mounts"]]
    return [os.path.dirname(source) for source in sources if "/localrun-shell-" in source]


def end_a_run(localrun, *words, env=None):
    localrun.write("train.py", "import os; open('made', 'w').write('by rank ' + os.environ.get('RANK', '-') + chr(10))")
    done = localrun.run("-q", *IN_CONTAINERS, *words, "train.py", env=env)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: not containers(localrun), 30)
    return localrun.record()["run_id"]


def test_shell_is_in_a_container_like_the_ranks(localrun):
    words = ("--nodes", "2", "--distribution", "pytorch", "-e", "GIVEN=a b", "-e", "FROM_HERE", "--memory", "1g")
    run_id = end_a_run(localrun, *words, env={"FROM_HERE": "then"})
    done = localrun.command("shell", run_id, "--rank", "1", "--", "sh", "-c", ASK, env={"FROM_HERE": "now"})
    folder = os.path.join(localrun.home, "runs", run_id, "node-1", "wd")
    expected = f"1 1 a b now\n{folder}\nnode-1\n{os.getuid()}\nby rank 1\n"
    assert (done.stdout.decode(), done.returncode) == (expected, 9), done.stderr
    with open(os.path.join(folder, "returned"), encoding="ascii") as file:
        assert file.read() == "back\n"
    assert containers(localrun) == []
    lacking = localrun.command("shell", run_id, "--", "true")
    assert b"not recorded, and not set in this shell: FROM_HERE" in lacking.stderr
    assert localrun.command("shell", run_id, "--", "no-such-program").returncode == 127
    assert localrun.command("shell", run_id, "--rank", "2").returncode == 125


def test_shell_has_the_terminal_and_sees_what_a_bootstrap_script_has_installed(localrun):
    localrun.write("setup.sh", 'mkdir -p "$HOME"; echo installed > "$HOME/mark"')
    run_id = end_a_run(localrun, "--bootstrap", "setup.sh")
    terminal = open_terminal(localrun, "shell", run_id)
    terminal.expect("[$#] ")
    terminal.sendline("stty size; cat $HOME/mark; echo term=$TERM")
    terminal.expect("30 90")
    terminal.expect("installed")
    terminal.expect("term=dumb")
    terminal.sendline("exit 5")
    assert end(terminal) == 5
    assert containers(localrun) == []


def test_nothing_stays_of_a_shell_that_is_killed(localrun):
    run_id = end_a_run(localrun)
    with localrun.start("shell", run_id, "--", "sh", "-c", "echo here; sleep 600", stdin=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"here\n"
        assert len(containers(localrun)) == 1
        (folder,) = list_folders(containers(localrun)[0])
        child.send_signal(signal.SIGKILL)
        child.wait(30)
        wait_until(lambda: not containers(localrun), 60)
    assert os.path.exists(folder)
    with localrun.start("shell", run_id, "--", "sh", "-c", "echo here; read -r line", stdin=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"here\n"
        assert not os.path.exists(folder)  # the next one removes it, and takes none from those that live
        (folder,) = list_folders(containers(localrun)[0])
        assert localrun.command("shell", run_id, "--", "true").returncode == 0
        assert os.path.exists(folder)
        child.communicate(b"\n", timeout=60)
    assert not os.path.exists(folder)


def test_value_that_was_not_recorded_is_neither_on_a_disk_nor_in_the_container(localrun):
    run_id = end_a_run(localrun, "-e", "FROM_HERE", env={"FROM_HERE": "then"})
    command = ("shell", run_id, "--", "sh", "-c", "echo $FROM_HERE; cat /localrun/start; read -r line")
    with localrun.start(*command, stdin=subprocess.PIPE, env={"FROM_HERE": "hidden-value"}) as child:
        assert child.stdout.readline() == b"hidden-value\n"
        (container,) = containers(localrun)
        inspected = subprocess.run(("docker", "inspect", container), capture_output=True, check=True).stdout
        assert json.loads(inspected)[0]["HostConfig"]["AutoRemove"] is True
        assert b"hidden-value" not in inspected
        out, _ = child.communicate(b"\n", timeout=60)
        assert b"hidden-value" not in out
    assert child.returncode == 0


def test_image_that_is_gone_is_named(localrun):
    def docker(*words):
        return subprocess.run(("docker", *words), capture_output=True, text=True, check=True).stdout.strip()

    image = f"localrun-test/going-{os.urandom(4).hex()}"
    container = docker("create", "localrun-test/python", "true")
    docker("commit", "--change", f"LABEL going={image}", container, image)
    docker("rm", container)
    try:
        localrun.write("train.py", "")
        assert localrun.run("-q", "-t", "docker", "-E", f"image:{image}", "train.py").returncode == 0
        wait_until(lambda: not containers(localrun), 30)
    finally:
        docker("rmi", image)
    refused = localrun.command("shell", "latest", "--", "true")
    run_id = localrun.record()["run_id"]
    assert refused.returncode == 125
    assert f"the image of run {run_id} is gone from the engine".encode() in refused.stderr
    assert f"localrun rerun {run_id}".encode() in refused.stderr

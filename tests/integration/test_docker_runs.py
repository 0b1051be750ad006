"""Runs in containers: what ranks see and say, and how they end."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from contained_kit import Contained
from run_kit import hear, wait_until

AFTER_IT_IS_ASKED_FOR = {
    "localrun.targets.docker_ranks", "localrun.targets.docker_script", "localrun.targets.working",
    "localrun.workspace.snapshot", "localrun.workspace.snapshot_store", "localrun.adapters.ignore_rules",
    "localrun.targets.docker_hands", "localrun.supervise.supervisor", "localrun.supervise.loop",
}  # fmt: skip
"""What a run takes that making its container does not."""


@pytest.fixture
def contained(own_workspace, tmp_path, engine, python_image):
    driver = Contained(own_workspace, tmp_path / "source", engine, python_image)
    yield driver
    left = [*driver.containers(), *driver.networks()]
    for container in driver.containers():
        engine.docker("rm", "-f", container)
    for network in driver.networks():
        engine.docker("network", "rm", network)
    assert not left
    assert not driver.wait_for_processes()


def test_script_runs_in_its_snapshot_and_its_outputs_are_in_the_record(contained):
    contained.write(
        "train.py",
        "import os, sys; print(os.getcwd(), sys.argv[1:]); open('outputs/model', 'w').write('m'); "
        "print(open('/proc/1/comm').read().strip())",
    )
    done = contained.run("train.py", "a b", "*")
    assert done.returncode == 0, done.stderr
    record = contained.record()
    place, _, rest = done.stdout.decode().partition(" ")
    assert place == os.path.join(record["folder"], "wd")
    assert rest == "['a b', '*']\ndocker-init\n"
    with open(os.path.join(record["folder"], "outputs", "model"), encoding="ascii") as file:
        assert file.read() == "m"
    assert [item["name"] for item in record["containers"]] == [f"localrun-{record['run_id']}-0"]
    assert record["target"] == "docker"
    assert record["ranks"][0]["peak_memory_bytes"] != 0  # null when it ended before anybody looked


def test_image_without_python_runs_a_shell_command(contained, bare_image):
    contained.image = bare_image
    done = contained.run("--command", "echo $0; exit 3")
    assert (done.returncode, done.stdout) == (3, b"bash\n"), done.stderr
    done = contained.run("train.py") if contained.write("train.py", "") else None
    assert done.returncode == 127
    assert b"there is no program python on PATH" in done.stdout


def test_exit_codes_and_signals_pass_through(contained):
    contained.write("end.py", "import os, sys; n = int(sys.argv[1]); n < 0 and os.kill(os.getpid(), -n); sys.exit(n)")
    numbers = [0, 1, 77, 125, 126, 127, 255, -2, -9, -11, -15]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda number: contained.run("-q", "end.py", str(number)), numbers))
    assert [item.returncode for item in done] == [number if number >= 0 else 128 - number for number in numbers]
    assert all(b"kind=" not in item.stderr for item in done)


def test_program_that_is_not_there_gives_127_and_one_that_cannot_run_126(contained):
    contained.write("plain", "")
    assert contained.run("--command", "exec ./none").returncode == 127
    assert contained.run("--command", "exec ./plain").returncode == 126


def test_nodes_have_names_and_the_ranks_of_one_share_it(contained):
    contained.write(
        "rank.py",
        "import os, socket; e = os.environ; "
        "print(e['RANK'], e['LOCAL_RANK'], e['NODE_RANK'], e['WORLD_SIZE'], e['MASTER_ADDR'], e['AZ_BATCHAI_TASK_INDEX'], "
        "socket.gethostname(), socket.gethostbyname(e['MASTER_ADDR']) != socket.gethostbyname('localhost'))\n"
        "open(f'/tmp/{e[\"LOCAL_RANK\"]}', 'w').close()",
    )
    done = contained.run("--nodes", "2", "-n", "2", "rank.py")
    assert done.returncode == 0, done.stderr
    lines = [contained.log(rank).decode().split() for rank in range(4)]
    assert lines == [
        [str(r), str(r % 2), str(r // 2), "4", "node-0", str(r % 2), f"node-{r // 2}", "True"] for r in range(4)
    ]


def test_ranks_of_two_nodes_talk_over_the_network_of_the_run(contained):
    contained.write(
        "talk.py",
        """if True:
        import os, socket
        place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
        if os.environ["RANK"] == "0":
            server = socket.create_server(("", place[1]))
            peer, _ = server.accept()
            peer.sendall(b"hello")
            peer.recv(9)
        else:
            while True:
                try:
                    peer = socket.create_connection(place)
                    break
                except OSError:
                    pass
            print(peer.recv(9))
        """,
    )
    done = contained.run("--nodes", "2", "--distribution", "pytorch", "talk.py")
    assert done.returncode == 0, done.stdout
    assert b"b'hello'" in contained.log(1)


def test_nodes_find_each_other_in_a_network_of_the_user_where_others_have_their_names(contained, engine, bare_image):
    network = f"localrun-test-{os.getpid()}"
    engine.docker("network", "create", network)
    words = ("--network", network, "--network-alias", "node-0", "--network-alias", "node-1", bare_image)
    other = engine.docker("run", "-d", "--rm", *words, "sleep", "600").strip()
    contained.write(
        "talk.py",
        """if True:
        import os, socket
        place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
        if os.environ["RANK"] == "0":
            server = socket.create_server(("", place[1]))
            peer, _ = server.accept()
            peer.recv(9)
        else:
            while True:
                try:
                    peer = socket.create_connection(place)
                    break
                except OSError:
                    pass
            found = {socket.gethostbyname("node-0") for _ in range(20)}
            print(found == {peer.getpeername()[0]}, found)
        """,
    )
    try:
        done = contained.run("--nodes", "2", "--distribution", "pytorch", "--network", network, "talk.py")
    finally:
        engine.docker("rm", "-f", other)
        contained.await_removals()
        engine.docker("network", "rm", network)
    assert done.returncode == 0, done.stderr
    assert contained.log(1).startswith(b"True"), contained.log(1)


def test_variables_arrive_byte_for_byte_and_stand_in_no_configuration(contained):
    here = contained.fifo()
    value = "planted-'\"$(id)`\\\n\x01ü"
    words = ("-e", "GIVEN", "-e", f"a.b={value}", "-v", f"{os.path.dirname(here)}:{os.path.dirname(here)}", "hold.py")
    contained.write(
        "hold.py",
        f"import os; open('shown', 'wb').write(os.environb[b'GIVEN'] + b'|' + os.environb[b'a.b']); "
        f"open({here!r}, 'w').write('on\\n'); open({here + '-back'!r}).read()",
    )
    os.mkfifo(here + "-back")
    with contained.start("run", *words, env={"GIVEN": value}) as child:
        hear(here)
        (container,) = contained.containers()
        inspected = contained.engine.docker("inspect", container)
        assert "planted" not in inspected
        run_id = contained.inspect(container)["Config"]["Labels"]["localrun.run"]
        place = os.readlink(os.path.join(contained.home, "runs", run_id, "place-in-memory"))
        for folder, _, names in os.walk(place):
            assert not [name for name in names if name.startswith("start-")], folder
        with open(here + "-back", "w", encoding="ascii"):
            pass
        child.communicate(timeout=60)
    assert child.returncode == 0
    assert not os.path.exists(place)
    with open(os.path.join(contained.record()["folder"], "wd", "shown"), "rb") as file:
        assert file.read() == f"{value}|{value}".encode()


def test_container_is_made_for_its_caller_with_an_init_and_without_a_log(contained, tmp_path):
    here = contained.fifo()
    os.mkfifo(here + "-back")
    command = f"echo on > {here}; cat {here}-back"
    with contained.start("run", "-v", f"{tmp_path}:{tmp_path}", "--shm-size", "64m", "--command", command) as child:
        hear(here)
        (container,) = contained.containers()
        described = contained.inspect(container)
        with open(here + "-back", "w", encoding="ascii"):
            pass
        child.communicate(timeout=60)
    assert child.returncode == 0
    host, config = described["HostConfig"], described["Config"]
    assert (host["Init"], host["LogConfig"]["Type"], host["ShmSize"]) == (True, "none", 64 << 20)
    assert 0 < host["PidsLimit"] < 100_000
    assert not host["Privileged"]
    assert config["User"] == f"{os.geteuid()}:{os.getegid()}"
    labels = config["Labels"]
    assert (labels["localrun.node"], labels["localrun.owner"]) == ("0", contained.home)
    assert described["Name"] == f"/localrun-{labels['localrun.run']}-0"


def test_inputs_are_read_only_and_at_their_own_path(contained, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("content")
    contained.write(
        "job.yml",
        "command: cat ${{inputs.d}}/a.txt && ! touch ${{inputs.d}}/b.txt\n"
        f"inputs: {{d: {{type: uri_folder, path: {tmp_path / 'data'}}}}}\n",
    )
    done = contained.run("job.yml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"content")
    assert os.listdir(tmp_path / "data") == ["a.txt"]


def test_run_in_place_works_in_the_source_folder(contained):
    contained.write("train.py", "import os; print(os.getcwd()); open('made', 'w').close()")
    done = contained.run("--in-place", "train.py")
    assert (done.returncode, done.stdout) == (0, f"{contained.source}\n".encode()), done.stderr
    assert os.path.exists(os.path.join(contained.source, "made"))


def test_files_of_a_run_belong_to_the_user_who_started_it(tmp_path, engine, python_image, own_workspace):
    uid, gid, words = os.geteuid(), os.getegid(), ()
    if uid == 0:  # root becomes somebody else; everybody else is one already
        uid = gid = 65534
        group = os.stat("/var/run/docker.sock").st_gid
        reader = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")  # of a checkout in /root
        words = ("setpriv", "--reuid", str(uid), "--regid", str(gid), "--groups", f"{gid},{group}", *reader)
    folder = f"/tmp/localrun-test-{os.path.basename(tmp_path)}-{os.getpid()}"
    os.mkdir(folder, 0o755)
    try:
        os.chown(folder, uid, gid)
        driver = Contained(f"{folder}/home", f"{folder}/source", engine, python_image)
        os.chown(driver.source, uid, gid)
        driver.write(
            "train.py",
            "import os; print(os.getuid(), os.getgid()); open('outputs/o', 'w'); open(os.path.expanduser('~/h'), 'w')",
        )
        environ = {**os.environ, "LOCALRUN_HOME": driver.home, "HOME": folder}
        command = [*words, *localrun_command(), "run", "-t", "docker", "-E", f"image:{python_image}", "train.py"]
        done = subprocess.run(command, capture_output=True, check=False, env=environ, cwd=driver.source, timeout=60)
        assert (done.returncode, done.stdout) == (0, f"{uid} {gid}\n".encode()), done.stderr
        owners = set()
        for place, folders, names in os.walk(driver.home):
            owners |= {os.lstat(os.path.join(place, name)).st_uid for name in (*folders, *names)}
        assert owners == {uid}
        removal = subprocess.run([*words, "rm", "-r", driver.home], check=False, capture_output=True)
        assert removal.returncode == 0, removal.stderr
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


def localrun_command():
    import run_kit

    return run_kit.LOCALRUN


def test_zombies_are_reaped_while_the_run_goes_on(contained):
    contained.write(
        "zombies.py",
        """if True:
        import glob, os, time
        for _ in range(200):
            if not os.fork():
                if not os.fork():
                    os._exit(0)
                os._exit(0)
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break
        end = time.monotonic() + 20
        def count():
            found = 0
            for path in glob.glob('/proc/[0-9]*/stat'):
                try:
                    found += open(path).read().rpartition(')')[2].split()[0] == 'Z'
                except OSError:
                    pass
            return found
        while count() and time.monotonic() < end:
            time.sleep(0.02)
        print(count())
        """,
    )
    done = contained.run("zombies.py")
    assert done.stdout == b"0\n", done.stderr


PRINTER = """if True:
    import hashlib, os, sys
    rank = int(os.environ.get("RANK", 0))
    digest = hashlib.sha256()
    for at in range(int(sys.argv[1])):
        line = b"%d %d " % (rank, at) + bytes(range(256)).replace(b"\\n", b"") * 2 + b"\\n"
        digest.update(line)
        os.write(1, line)
    open(f"outputs/{rank}", "w").write(digest.hexdigest())
"""


def test_every_byte_of_eight_ranks_reaches_its_log(contained):
    contained.write("print.py", PRINTER)
    done = contained.run("--nodes", "2", "-n", "4", "print.py", "5000", stdout=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    for rank in range(8):
        with open(os.path.join(contained.record()["folder"], "outputs", str(rank)), encoding="ascii") as file:
            assert hashlib.sha256(contained.log(rank)).hexdigest() == file.read()


def test_rank_that_exits_at_once_loses_nothing(contained):
    for _ in range(5):
        done = contained.run("--command", "echo a; echo b; echo c")
        assert (done.returncode, done.stdout) == (0, b"a\nb\nc\n")
        assert contained.log() == b"a\nb\nc\n"
    assert contained.run("-q", "-n", "16", "--command", "echo a; printf b").returncode == 0
    assert [contained.log(rank) for rank in range(16)] == [b"a\nb"] * 16


def test_port_that_is_taken_is_said_by_whom(contained, engine, bare_image):
    name = f"localrun-test-port-{os.getpid()}"
    engine.docker("run", "-d", "--name", name, "-p", "127.0.0.1::80", bare_image, "sleep", "600")
    try:
        port = engine.docker("port", name, "80").rpartition(":")[2]
        done = contained.run("-p", f"127.0.0.1:{port}:80", "--command", "true")
    finally:
        engine.docker("rm", "-f", name)
    assert done.returncode == 125
    assert f"port {port} is taken by the container {name}".encode() in done.stderr
    assert b"kind=port_taken" in done.stderr


def test_kept_containers_stay_until_the_run_is_removed(contained):
    done = contained.run("--keep", "--command", "echo here")
    assert (done.returncode, done.stdout) == (0, b"here\n"), done.stderr
    (container,) = contained.containers()
    wait_until(lambda: contained.inspect(container)["State"]["Status"] == "exited", 20)
    assert contained.command("rm", contained.record()["run_id"]).returncode == 0
    assert contained.containers() == []


def test_warm_run_loads_what_makes_its_container_first(contained):
    contained.write("train.py", "print('line')")
    time.sleep(0.15)  # files that were written just now are not trusted yet
    start = "import sys; from localrun.cli import main; sys.exit(main())"
    words = ("run", "-q", "-t", "docker", "-E", f"image:{contained.image}", "train.py")
    environ = {**os.environ, "LOCALRUN_HOME": contained.home, **contained.engine.environ}
    for _ in range(2):
        command = (sys.executable, "-X", "importtime", "-c", start, *words)
        done = subprocess.run(command, capture_output=True, check=True, timeout=120, env=environ, cwd=contained.source)
    assert done.stdout == b"line\n"
    imported = re.findall(r"^import time:.*\| +([\w.]+)$", done.stderr.decode(), re.MULTILINE)
    first = imported.index("localrun.targets.docker")
    assert not {"click", "functools"} & set(imported[:first])
    assert not AFTER_IT_IS_ASKED_FOR & set(imported[:first])
    assert set(imported[first:]) >= AFTER_IT_IS_ASKED_FOR


def test_source_that_a_warm_run_cannot_copy_leaves_no_container(contained):
    contained.write("train.py", "print('line')")
    time.sleep(0.15)  # files that were written just now are not trusted yet
    assert [contained.run("train.py").returncode for _ in range(2)] == [0, 0]
    os.symlink("/etc/hostname", os.path.join(contained.source, "elsewhere"))
    done = contained.run("train.py")
    assert done.returncode == 125
    assert b"elsewhere in the folder" in done.stderr
    assert contained.containers() == []
    assert len(contained.records()) == 2

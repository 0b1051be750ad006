"""What flags and files ask of containers, as the real engine gives it to a script."""

from __future__ import annotations

import json
import os
import socket

import pytest

SHOW = """
import json, os, resource
def read(*paths):
    for path in paths:
        if os.path.exists(path):
            return open(path).read().strip()
def size(path):
    found = os.statvfs(path)
    return found.f_blocks * found.f_frsize
print(json.dumps({
    "user": f"{os.getuid()}:{os.getgid()}",
    "folder": os.getcwd(),
    "shm": size("/dev/shm"),
    "memory": read("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    "quota": read("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
    "files": resource.getrlimit(resource.RLIMIT_NOFILE),
    "data": sorted(os.listdir("/data")) if os.path.isdir("/data") else None,
    "writable": os.access("/data", os.W_OK),
    "interfaces": sorted(os.listdir("/sys/class/net")),
    "root": os.access("/usr", os.W_OK),
    "A": os.environ.get("A"),
    "B": os.environ.get("B"),
    "tmpfs": os.path.ismount("/scratch"),
    "capabilities": [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")][0],
}))
"""


@pytest.fixture
def show(localrun, python_image):
    """Run the script that shows its container; give what it saw, and what it cannot be given."""
    script = localrun.write("show.py", SHOW)

    def run(*flags, **options):
        done = localrun.run("-E", f"image:{python_image}", *flags, script, **options)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return run


def test_without_flags_a_container_has_the_caller_s_user_and_two_gigabytes_of_shared_memory(show, localrun):
    seen = show()
    assert seen["user"] == f"{os.getuid()}:{os.getgid()}"
    assert seen["shm"] == 2 << 30
    assert seen["folder"].startswith(localrun.home)


def test_flags_reach_the_container(show, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("x")
    seen = show(
        *("-v", f"{tmp_path}/data:/data:ro", "-m", "256m", "--cpus", "0.5", "--shm-size", "64m", "-w", "/usr"),
        *("--network", "none"),
    )
    assert (seen["shm"], seen["folder"], seen["data"]) == (64 << 20, "/usr", ["file"])
    assert seen["memory"] == str(256 << 20)
    assert seen["quota"] in {"50000", "50000 100000"}
    assert seen["interfaces"] == ["lo"]


REACH = """
import json, os
names = ("https_proxy", "PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
known = {name: os.environ.get(name) for name in names}
known["trusted"] = open(known["SSL_CERT_FILE"]).read() if known["SSL_CERT_FILE"] else None
known["writable"] = os.access(known["SSL_CERT_FILE"] or "/nowhere", os.W_OK)
known["found"] = os.listdir(known["PIP_FIND_LINKS"]) if known["PIP_FIND_LINKS"] else None
print(json.dumps(known))
"""


@pytest.mark.parametrize("flags", [(), ("--inherit-network-settings",)])
def test_network_settings_of_this_machine_are_in_containers_when_asked(localrun, python_image, tmp_path, flags):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a.whl").touch()
    (tmp_path / "ca.pem").write_text("private authority")
    script = localrun.write("reach.py", REACH)
    bootstrap = localrun.write("bootstrap.sh", "echo $REQUESTS_CA_BUNDLE $https_proxy")
    environ = {
        "https_proxy": "http://proxy:1", "PIP_INDEX_URL": "https://index/simple", "PIP_FIND_LINKS": f"{tmp_path}/links",
        "SSL_CERT_FILE": f"{tmp_path}/ca.pem", "REQUESTS_CA_BUNDLE": "", "PIP_CERT": "", "CURL_CA_BUNDLE": "",
    }  # fmt: skip
    words = (*flags, "-e", "PIP_INDEX_URL=https://mine", "--bootstrap", bootstrap)
    done = localrun.run("-q", "-E", f"image:{python_image}", *words, script, env=environ)
    assert done.returncode == 0, done.stderr.decode()
    first, second = done.stdout.decode().splitlines()
    seen = json.loads(second)
    assert seen["PIP_INDEX_URL"] == "https://mine"
    if not flags:
        assert (first, seen["https_proxy"], seen["trusted"], seen["found"]) == ("", None, None, None)
        return
    assert first == f"{seen['REQUESTS_CA_BUNDLE']} http://proxy:1"
    assert {seen[name] for name in ("PIP_CERT", "SSL_CERT_FILE")} == {seen["REQUESTS_CA_BUNDLE"]}
    assert (seen["trusted"], seen["writable"]) == ("private authority", False)
    assert (seen["https_proxy"], seen["found"]) == ("http://proxy:1", ["a.whl"])


def test_relative_folders_of_mounts_start_from_here(show, localrun):
    os.mkdir(os.path.join(localrun.source, "near"))
    assert show("-v", "./near:/data")["data"] == []


def test_docker_arguments_of_a_job_reach_the_container(localrun, python_image, tmp_path):
    script = localrun.write("show.py", SHOW)
    localrun.write("vars.env", "B=file\n")
    os.mkdir(os.path.join(localrun.source, "near"))
    arguments = (
        "--tmpfs /scratch --ulimit nofile=500:600 --read-only -v ./near:/data:ro --env-file vars.env -e A=argument"
    )
    localrun.write(
        "job.yml",
        f"command: python3 {os.path.basename(script)}\ncode: .\nenvironment: {{image: {python_image}}}\n"
        f"resources: {{shm_size: 32m, docker_args: '{arguments}'}}\n",
    )
    done = localrun.run("job.yml")
    assert done.returncode == 0, done.stderr.decode()
    seen = json.loads(done.stdout)
    assert (seen["shm"], seen["files"], seen["tmpfs"], seen["root"]) == (32 << 20, [500, 600], True, False)
    assert (seen["A"], seen["B"], seen["data"]) == ("argument", "file", [])


def test_the_machine_s_root_and_privileges_are_allowed_and_stand_in_the_plan(localrun, python_image):
    script = localrun.write("show.py", SHOW)
    job = f"command: python3 {os.path.basename(script)}\ncode: .\nenvironment: {{image: {python_image}}}\n"
    localrun.write("job.yml", job + "resources: {docker_args: [--privileged, '-v /:/data:ro']}\n")
    planned = localrun.command("plan", "job.yml").stdout.decode()
    assert "mount        /:/data:ro" in planned
    assert "setting      Privileged = true" in planned
    localrun.write("job.yml", job + "resources: {docker_args: '-v /:/data:ro --cap-drop ALL'}\n")
    seen = json.loads(localrun.run("job.yml").stdout)
    assert {"etc", "usr"} <= set(seen["data"])
    assert int(seen["capabilities"], 16) == 0


def test_a_v1_docker_section_reaches_the_container(localrun, python_image):
    localrun.write("show.py", SHOW)
    localrun.write(
        "a.runconfig",
        "script: show.py\nenvironment: {name: e, python: {userManagedDependencies: true, interpreterPath: python3},\n"
        f"  docker: {{baseImage: {python_image}}}}}\n"
        "docker: {useDocker: true, shmSize: 16m, arguments: [-e, A=section, --network, none]}\n",
    )
    done = localrun.run("a.runconfig")
    assert done.returncode == 0, done.stderr.decode()
    seen = json.loads(done.stdout)
    assert (seen["shm"], seen["A"], seen["interfaces"]) == (16 << 20, "section", ["lo"])


def test_published_ports_are_reached_and_a_taken_one_is_refused(localrun, python_image):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = localrun.run(
            "-E", f"image:{python_image}", "-p", f"127.0.0.1:{port}:80", localrun.write("t.py", "print('ran')")
        )
    assert done.returncode == 125
    assert str(port).encode() in done.stderr
    assert b"ran" not in done.stdout


def test_variables_of_docker_arguments_are_not_in_the_container_s_configuration(localrun, python_image, engine):
    localrun.write(
        "job.yml",
        f"command: cat /proc/1/environ | tr '\\0' '\\n'; echo \"$A\"\nenvironment: {{image: {python_image}}}\n"
        "resources: {docker_args: -e A=not-to-be-seen}\n",
    )
    done = localrun.run("--keep", "job.yml")
    assert done.stdout.decode().count("not-to-be-seen") == 1
    run_id = localrun.record()["run_id"]
    (container,) = engine.docker("ps", "-aq", "--filter", f"label=localrun.run={run_id}").split()
    try:
        assert "not-to-be-seen" not in engine.docker("inspect", container)
    finally:
        engine.docker("rm", "--force", container)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--gpus", "all"), b"gpu"),
        (("--network", "localrun-nowhere"), b"localrun-nowhere"),
        (("--user", "nobody-known"), b"nobody-known"),
    ],
)
def test_what_the_engine_cannot_give_is_told_and_leaves_nothing(localrun, python_image, engine, flags, words):
    done = localrun.run("-E", f"image:{python_image}", *flags, localrun.write("t.py", "print('ran')"))
    assert done.returncode == 125, done.stderr
    assert words in done.stderr
    assert b"ran" not in done.stdout
    assert engine.containers(f"label=localrun.owner={localrun.home}") == []


def test_a_folder_to_mount_that_is_not_there_is_told_and_not_made(localrun, python_image, tmp_path):
    missing = tmp_path / "missing"
    done = localrun.run("-E", f"image:{python_image}", "-v", f"{missing}:/data", localrun.write("t.py", "print('ran')"))
    assert done.returncode == 125, done.stderr
    assert str(missing).encode() in done.stderr
    assert not missing.exists()


def test_flags_for_containers_are_refused_on_the_local_target(localrun):
    done = localrun.run("-v", ".:/data", localrun.write("t.py", "print('ran')"))
    assert done.returncode == 125
    assert b"--volume: this flag is for containers, and the target is local" in done.stderr
    assert b"--target docker" in done.stderr


WRITES = """
import os
os.umask(0o077)
for path in ("here.txt", "outputs/model/weights", "logs/log", "sub/more"):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    open(path, "w").write("written")
os.symlink("/etc/passwd", "sub/link")
with open(os.path.join(os.environ["HOME"], "settings"), "w"):
    print(os.getuid(), open("private").read())
"""


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_ranks_of_another_user_work_in_their_folder_and_all_of_it_is_the_caller_s_at_the_end(
    localrun, python_image, nodes
):
    localrun.write("private", "readable", mode=0o600)
    os.mkdir(os.path.join(localrun.source, "sub"))
    script = localrun.write("writes.py", WRITES)
    done = localrun.run("-E", f"image:{python_image}", "--nodes", nodes, "--user", "4711:4712", script)
    assert done.returncode == 0, done.stderr.decode()
    assert b"4711 readable" in done.stdout
    folder = localrun.record()["folder"]
    with open(os.path.join(folder, "outputs", "model", "weights"), encoding="ascii") as file:
        assert file.read() == "written"
    found = [os.path.join(root, name) for root, folders, files in os.walk(folder) for name in folders + files]
    assert {os.lstat(path).st_uid for path in (folder, *found)} == {os.geteuid()}
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert os.stat("/etc/passwd").st_uid == 0


def test_root_in_a_container_gives_a_folder_to_another_user(engine, python_image, tmp_path):
    from localrun.adapters.engine import Engine, find_endpoint
    from localrun.targets.docker_users import chown_as_root

    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("")
    (tmp_path / "folder" / "link").symlink_to("/etc/passwd")
    connection = Engine(find_endpoint({**os.environ, **engine.environ}, "/nowhere"))
    chown_as_root(connection, python_image, str(tmp_path / "folder"), (4711, 4712), {"localrun.test": str(tmp_path)})
    for name in ("folder", "folder/file", "folder/link"):
        facts = os.lstat(tmp_path / name)
        assert (facts.st_uid, facts.st_gid) == (4711, 4712)
    assert engine.containers(f"label=localrun.test={tmp_path}") == []

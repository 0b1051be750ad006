"""What run configurations hand to `docker run`, read as docker reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localrun.errors import BadInput
from localrun.formats import docker_options
from localrun.formats.docker_arguments import (
    mount_of_fields,
    parse_arguments,
    read_docker_arguments,
    split_words,
)
from localrun.formats.docker_values import read_cpus, read_gpus, read_mount, read_port, read_size
from localrun.spec import ContainerSpec

HELP = Path(__file__).with_name("docker_run_help.txt")
"""Names of the options in `docker run --help` of docker 28.2, one a line."""


def no_file(path: str) -> bytes:
    raise FileNotFoundError(path)


def read(given, files=None):
    files = files or {}
    return read_docker_arguments(given, directory="/job", read=lambda path: files[path])


@pytest.mark.parametrize("name", HELP.read_text().split())
def test_every_option_of_docker_run_is_mapped_or_refused_by_name(name):
    assert name in docker_options.KNOWN


def test_no_option_has_two_fates():
    names = docker_options.KNOWN
    assert sorted(names) == sorted(set(names))
    assert set(docker_options.SHORT.values()) | set(docker_options.OTHER_NAMES.values()) <= set(names)
    assert all(docker_options.INSTEAD.values())


SPLIT = [
    ("--ipc=host  -v '/a b:/c'", ("--ipc=host", "-v", "/a b:/c")),
    (["--ipc=host", "-v", "/a b:/c"], ("--ipc=host", "-v", "/a b:/c")),
    (["-v /a:/b", "--cpus 2"], ("-v", "/a:/b", "--cpus", "2")),
    (["--mount=type=bind,src=/a b,dst=/c"], ("--mount=type=bind,src=/a b,dst=/c",)),
    ("", ()),
    ([], ()),
]


@pytest.mark.parametrize(("given", "words"), SPLIT)
def test_arguments_are_split_as_a_shell_splits_them(given, words):
    assert split_words(given) == words


def test_a_quote_that_is_not_closed_is_told():
    with pytest.raises(BadInput, match="a quote is not closed"):
        split_words("-v '/a:/b")


PARSED = [
    ("--ipc host --shm-size=4g", [("--ipc", "host"), ("--shm-size", "4g")]),
    ("-p80:80 -p=81:81 -p 82:82", [("--publish", "80:80"), ("--publish", "81:81"), ("--publish", "82:82")]),
    ("-it", [("--interactive", "true"), ("--tty", "true")]),
    ("-itv/a:/b", [("--interactive", "true"), ("--tty", "true"), ("--volume", "/a:/b")]),
    ("--privileged --init=false", [("--privileged", "true"), ("--init", "false")]),
    ("--net=host --dns-opt x", [("--network", "host"), ("--dns-option", "x")]),
    ("-m 2g -c 512", [("--memory", "2g"), ("--cpu-shares", "512")]),
    ("--memory-swap -1", [("--memory-swap", "-1")]),
]


@pytest.mark.parametrize(("text", "pairs"), PARSED)
def test_options_are_read_as_docker_reads_them(text, pairs):
    assert list(parse_arguments(split_words(text))) == pairs


BAD = [
    ("--privilegd", "docker run has no option --privilegd", "did you mean --privileged?"),
    ("-Z", "docker run has no option -Z", ""),
    ("ubuntu", "'ubuntu' is no option", "an image or a command"),
    ("--", "'--' is no option", ""),
    ("-", "'-' is no option", ""),
    ("--memory", "--memory needs a value", "--memory=VALUE"),
    ("-v", "--volume needs a value", ""),
    ("--privileged=maybe", "--privileged takes no value but true or false", ""),
]


@pytest.mark.parametrize(("text", "message", "hint"), BAD)
def test_what_docker_would_not_take_is_refused(text, message, hint):
    with pytest.raises(BadInput, match=re.escape(message)) as caught:
        parse_arguments(text.split())
    assert hint in caught.value.hint


def test_variables_of_arguments_go_to_the_run():
    found = read("-e A=1 --env B --env-file vars -e A=2 --ipc=host", {"/job/vars": b"C=3\nD\n"})
    assert found == ContainerSpec(arguments=("--ipc=host",), variables=(("C", "3"), ("A", "2")), inherited=("B", "D"))


def test_a_file_of_variables_that_is_not_there_is_told():
    with pytest.raises(BadInput, match="vars"):
        read_docker_arguments("--env-file vars", directory="/job", read=no_file)


def test_relative_paths_on_the_host_start_from_the_folder():
    found = read(["-v", "./data:/data:ro", "--mount=type=bind,source=./x,target=/x", "-v", "cache:/cache"])
    assert found.arguments == (
        "--volume=/job/data:/data:ro", "--mount=type=bind,source=/job/x,target=/x", "--volume=cache:/cache"
    )  # fmt: skip


def test_arguments_that_cannot_be_parsed_are_kept_for_the_target_that_needs_them():
    assert read("--nonsense -e A=1").arguments == ("--nonsense", "-e", "A=1")


SIZES = [
    ("2g", 2 << 30), ("512m", 512 << 20), ("1k", 1024), ("2048", 2048), ("2GB", 2 << 30), ("2 GiB", 2 << 30),
    ("1.5g", 3 << 29), ("7b", 7), ("0g", 0), ("1T", 1 << 40), ("1p", 1 << 50),
]  # fmt: skip


@pytest.mark.parametrize(("text", "count"), SIZES)
def test_sizes_are_docker_s(text, count):
    assert read_size(text) == count


@pytest.mark.parametrize("text", ["", "g", "2x", "-1", "2gg", "1e9", "9" * 30, "9999999p", "٣g", "2g\n3"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(BadInput):
        read_size(text)


@pytest.mark.parametrize(("text", "count"), [("2", 2 * 10**9), ("0.5", 5 * 10**8), (".25", 25 * 10**7)])
def test_processors_are_counted_in_billionths(text, count):
    assert read_cpus(text) == count


@pytest.mark.parametrize("text", ["", "0", "-1", "two", "NaN", "inf", "1e99", "0.001", "1" * 30])
def test_what_is_no_number_of_processors_is_refused(text):
    with pytest.raises(BadInput):
        read_cpus(text)


MOUNTS = [
    ("/a:/b", "/a:/b"), ("/a:/b:ro", "/a:/b:ro"), ("/a:/b:ro,z", "/a:/b:ro,z"), ("./a:/b", "/job/a:/b"),
    ("../a:/b", "/a:/b"), (".:/b", "/job:/b"), ("name:/b", "name:/b"), ("/b", "/b"), ("/:/host", "/:/host"),
    ("/a:b,c:/d", "/a:b,c:/d"), ("/a:/b:/c", "/a:/b:/c"), ("./a:b:/c:ro", "/job/a:b:/c:ro"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "mount"), MOUNTS)
def test_mounts_have_an_absolute_host_side(text, mount):
    assert read_mount(text, "/job") == mount


@pytest.mark.parametrize(
    "text", ["", ":", "a/b:/c", "/a:", "/a:b", "/a:/b:x", "/a:/", "/a:/b:ro:x", "x", ":/b", "a\n:/b"]
)
def test_what_is_no_mount_is_refused(text):
    with pytest.raises(BadInput):
        read_mount(text, "/job")


@pytest.mark.parametrize(
    "text", ["80", "8080:80", "127.0.0.1:8080:80/udp", "8000-8005:80-85", "[::1]:80:80", "127.0.0.1::80"]
)
def test_ports_are_docker_s(text):
    assert read_port(text) == text


@pytest.mark.parametrize("text", ["", "x", "0", "70000:80", "80:80:80:80", "1-2:1-3", "5-1", "80/xyz", "-", "1--2"])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(BadInput):
        read_port(text)


GPUS = [
    ("all", -1, [], [["gpu"]]), ("2", 2, [], [["gpu"]]), ("device=0,1", 0, ["0", "1"], [["gpu"]]),
    ('"device=GPU-3a,1"', 0, ["GPU-3a", "1"], [["gpu"]]), ("all,capabilities=utility", -1, [], [["gpu", "utility"]]),
    ("count=3", 3, [], [["gpu"]]), ("driver=nvidia", -1, [], [["gpu"]]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "count", "ids", "capabilities"), GPUS)
def test_gpus_become_a_request_for_devices(text, count, ids, capabilities):
    found = read_gpus(text)
    assert (found["Count"], found["DeviceIDs"], found["Capabilities"]) == (count, ids, capabilities)


@pytest.mark.parametrize("text", ["", "0", "many", "device=", "count=x", "size=3"])
def test_what_is_no_gpu_is_refused(text):
    with pytest.raises(BadInput):
        read_gpus(text)


FIELDS = [
    ("type=bind,source=/a,target=/b", ("--volume", "/a:/b")),
    ("type=bind,src=/a,dst=/b,readonly", ("--volume", "/a:/b:ro")),
    ("type=bind,src=/a,dst=/b,readonly=true,bind-propagation=rslave", ("--volume", "/a:/b:ro,rslave")),
    ("source=cache,destination=/b", ("--volume", "cache:/b")),
    ("type=tmpfs,target=/b,tmpfs-size=64m", ("--tmpfs", "/b:size=64m")),
    ("type=tmpfs,target=/b", ("--tmpfs", "/b")),
]


@pytest.mark.parametrize(("text", "option"), FIELDS)
def test_mounts_written_as_fields_become_short_ones(text, option):
    assert mount_of_fields(text) == option


@pytest.mark.parametrize("text", ["", "type=bind", "type=npipe,target=/b", "type=bind,src=/a,target=/b,volume-opt=x"])
def test_mounts_that_the_short_form_cannot_say_are_refused(text):
    with pytest.raises(BadInput):
        mount_of_fields(text)


VALUES = [
    ("--add-host", "a:1.2.3.4", "a:1.2.3.4"), ("--add-host", "a=::1", "a:::1"),
    ("--device", "/dev/fuse", {"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}),
    ("--device", "/dev/a:/dev/b:r", {"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "r"}),
    ("--device-read-bps", "/dev/sda:1m", {"Path": "/dev/sda", "Rate": 1 << 20}),
    ("--ulimit", "nofile=10:20", {"Name": "nofile", "Soft": 10, "Hard": 20}),
    ("--ulimit", "memlock=-1", {"Name": "memlock", "Soft": -1, "Hard": -1}),
    ("--sysctl", "net.core.somaxconn=1", ("net.core.somaxconn", "1")),
    ("--tmpfs", "/t:size=1m", ("/t", "size=1m")),
    ("--memory-swap", "-1", -1), ("--pids-limit", "-1", -1), ("--cpu-rt-runtime", "10ms", 10_000),
    ("--security-opt", "seccomp=unconfined", "seccomp=unconfined"),
    ("--security-opt", "no-new-privileges", "no-new-privileges"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "found"), VALUES)
def test_values_become_the_engine_s(name, given, found):
    tables = (docker_options.ONE, docker_options.SEVERAL, docker_options.NAMED)
    reader = next(table[name][1] for table in tables if name in table)
    assert reader(given) == found


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("--device", "sda"), ("--ulimit", "nofile"), ("--sysctl", "x"), ("--security-opt", "seccomp=/p.json"),
        ("--oom-score-adj", "2000"), ("--cgroupns", "x"), ("--blkio-weight", "a"), ("--tmpfs", "t"), ("--ipc", ""),
    ],
)  # fmt: skip
def test_values_that_cannot_be_right_are_refused(name, given):
    tables = (docker_options.ONE, docker_options.SEVERAL, docker_options.NAMED)
    reader = next(table[name][1] for table in tables if name in table)
    with pytest.raises(BadInput):
        reader(given)

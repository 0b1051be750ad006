"""The target when none is said, and the containers of the docker target."""

from __future__ import annotations

import json
import re

import pytest

from localrun.errors import BadInput
from localrun.plan import RUN_FOLDER, ContainerPlan
from localrun.resolve import resolve
from localrun.resolve.container import list_mounted
from localrun.resolve.facts import HostFacts
from localrun.resolve.target import choose_target
from localrun.spec import ContainerSpec, DistributionSpec, EnvironmentSpec, ImageBuildSpec, PythonSpec, RunSpec
from localrun.values import replace

FACTS = HostFacts(
    platform="linux-64", cpu_count=8, python_version="3.12", interpreter="/usr/bin/python3", user="1000:1000",
    paths=(("/src", "folder"),), images=(("i", "sha256:1"),), engine_platform="linux/amd64",
)  # fmt: skip
SPEC = RunSpec(command="true", source_directory="/src", environment=EnvironmentSpec(image="i"))
PYTHON = PythonSpec(conda=("python",))
STANDARD = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"


def plan(arguments=(), *, spec=SPEC, **asked):
    return resolve(replace(spec, container=ContainerSpec(arguments=tuple(arguments), **asked)), FACTS)


def container(arguments=(), **asked):
    found = plan(arguments, **asked).container
    assert found is not None
    return found


def options(*arguments):
    return {name: json.loads(text) for name, text in container(arguments).options}


TARGETS = [
    (None, "", "local"),
    (None, "docker", "docker"),
    (EnvironmentSpec(python=PYTHON), "", "local"),
    (EnvironmentSpec(python=PYTHON, image="i"), "", "local"),
    (EnvironmentSpec(python=PYTHON, image="i"), "docker", "docker"),
    (EnvironmentSpec(image="i"), "", "docker"),
    (EnvironmentSpec(image="i"), "local", "local"),
    (EnvironmentSpec(image=STANDARD), "", "docker"),
    (EnvironmentSpec(build=ImageBuildSpec(dockerfile="FROM i")), "", "docker"),
    (EnvironmentSpec(interpreter="python3"), "", "local"),
    (EnvironmentSpec(interpreter="/opt/python", image="i"), "", "docker"),
    (EnvironmentSpec(interpreter="python", image=STANDARD), "", "local"),
    (EnvironmentSpec(interpreter="python", build=ImageBuildSpec(dockerfile="FROM i")), "", "docker"),
]


@pytest.mark.parametrize(("environment", "said", "target"), TARGETS, ids=str)
def test_target_is_the_one_said_else_docker_for_what_only_an_image_can_be(environment, said, target):
    assert choose_target(RunSpec(command="true", environment=environment, target=said)) == target


def test_containers_have_the_caller_s_user_and_azure_s_shared_memory_unless_said_otherwise():
    assert container() == ContainerPlan(user="1000:1000", shm_bytes=2 << 30)
    assert plan().target == "docker"


def test_local_runs_have_no_containers():
    made = resolve(replace(SPEC, environment=None), FACTS)
    assert (made.target, made.container) == ("local", None)


def test_flags_become_the_plan():
    made = container(
        volumes=("/a:/b:ro", "cache:/c"), ports=("8080:80",), working_directory="/w", gpus="all", shm_size="512m",
        memory="2g", cpus="1.5", network="host", user="root", keep=True, inherit_network_settings=True,
    )  # fmt: skip
    assert made == ContainerPlan(
        user="root", shm_bytes=512 << 20, memory_bytes=2 << 30, nano_cpus=1_500_000_000, network="host", gpus="all",
        mounts=("/a:/b:ro", "cache:/c"), ports=("8080:80",), working_directory="/w", keep=True,
        inherit_network_settings=True,
    )  # fmt: skip


def test_builds_see_network_settings_unless_told_not_to_and_containers_when_told_to():
    for given, build, run in ((None, True, False), (True, True, True), (False, False, False)):
        made = plan(inherit_network_settings=given)
        assert made.environment.image.inherit_network_settings is build
        assert made.container.inherit_network_settings is run


def test_arguments_are_laid_under_flags_and_lists_are_joined():
    arguments = ("--memory=1g", "--cpus=1", "--volume=/x:/y", "--volume=/a:/b", "--user=7")
    made = container(arguments, memory="2g", volumes=("/p:/q",), flags=("--memory", "--volume"))
    assert (made.memory_bytes, made.nano_cpus, made.user) == (2 << 30, 10**9, "7")
    assert made.mounts == ("/p:/q", "/x:/y", "/a:/b")


def test_shared_memory_of_the_arguments_wins_over_the_key_of_the_job_as_the_last_word():
    assert container(("--shm-size=4g",), shm_size="2g").shm_bytes == 4 << 30
    assert container(("--shm-size=4g",), shm_size="1g", flags=("--shm-size",)).shm_bytes == 1 << 30


def test_other_arguments_become_settings_of_the_engine():
    assert options("--ipc=host", "--privileged", "--cap-add", "SYS_PTRACE", "--cap-add=NET_ADMIN") == {
        "CapAdd": ["SYS_PTRACE", "NET_ADMIN"], "IpcMode": "host", "Privileged": True,
    }  # fmt: skip
    assert options("--ulimit", "memlock=-1", "--sysctl=a.b=1", "--tmpfs", "/t", "--mount", "type=tmpfs,dst=/u") == {
        "Sysctls": {"a.b": "1"}, "Tmpfs": {"/t": "", "/u": ""},
        "Ulimits": [{"Name": "memlock", "Soft": -1, "Hard": -1}],
    }  # fmt: skip
    assert options("--init", "--read-only=false", "--pids-limit=-1") == {"ReadonlyRootfs": False, "PidsLimit": -1}


def test_the_root_of_the_host_and_privileges_are_allowed_and_stand_in_the_plan():
    made = container(("--privileged", "-v", "/:/host"))
    assert made.mounts == ("/:/host",)
    assert dict(made.options) == {"Privileged": "true"}


def test_mounts_written_as_fields_are_mounts():
    made = container(("--mount=type=bind,source=/a,target=/b,readonly",))
    assert made.mounts == ("/a:/b:ro",)


def test_a_folder_to_mount_that_is_not_there_is_told_before_docker_makes_it():
    facts = replace(FACTS, paths=(*FACTS.paths, ("/a", "folder"), ("/b", "missing")))
    spec = replace(SPEC, container=ContainerSpec(arguments=("-v", "/a:/x", "-v", "/b:/y"), volumes=("name:/z", "/w")))
    assert list_mounted(spec) == ("/a", "/b")
    with pytest.raises(BadInput, match="there is no file or folder /b"):
        resolve(spec, facts)
    assert list_mounted(replace(SPEC, container=ContainerSpec(arguments=("--nonsense",)))) == ()


def test_a_script_is_found_where_ranks_do_not_start_in_its_folder():
    spec = replace(SPEC, command="", script="/src/a.py")
    facts = replace(FACTS, paths=(("/src", "folder"), ("/src/a.py", "file")))
    wanted = ContainerSpec(working_directory="/w")
    assert resolve(spec, facts).argv == ("python", "a.py")
    assert resolve(replace(spec, container=wanted), facts).argv == ("python", f"{RUN_FOLDER}/wd/a.py")
    assert resolve(replace(spec, container=wanted, in_place=True), facts).argv == ("python", "/src/a.py")


def test_the_platform_of_arguments_is_the_environment_s():
    assert plan(("--platform=linux/arm64",)).environment.image.platform == "linux/arm64"


def test_variables_of_arguments_stand_under_the_run_s_own():
    spec = replace(SPEC, environment_variables=(("A", "run"),), inherited=("B",))
    asked = {"variables": (("A", "arguments"), ("B", "arguments"), ("C", "arguments")), "inherited": ("A", "D")}
    made = plan(spec=spec, **asked)
    variables = dict(made.variables)
    assert (variables["A"], variables["C"]) == ("run", "arguments")
    assert "B" not in variables
    assert set(made.inherited) == {"B", "D"}


REFUSED = [
    (("--name=x",), {}, "docker.arguments: --name has no place in a run", "localrun run --name"),
    (("-d",), {}, "--detach has no place", "localrun run -d"),
    (("--rm",), {}, "--rm has no place", "--keep"),
    (("-it",), {}, "--interactive has no place", ""),
    (("--entrypoint=sh",), {}, "--entrypoint has no place", "command"),
    (("--log-driver=none",), {}, "--log-driver has no place", ""),
    (("--init=false",), {}, "--init=false is not possible", ""),
    (("--privilegd",), {}, "docker.arguments: docker run has no option --privilegd", "--privileged"),
    (("--memory=lots",), {}, "--memory=lots: 'lots' is not a size", "2g"),
    (("--ulimit=x",), {}, "--ulimit=x: 'x' is no limit", "nofile"),
    (("--pull=later",), {}, "--pull=later: 'later' is not known", "missing"),
    ((), {"shm_size": "2x", "flags": ("--shm-size",)}, "--shm-size: '2x' is not a size", "2g"),
    ((), {"shm_size": "0g"}, "--shm-size: a shared memory of 0 bytes", "2g"),
    ((), {"memory": "1m", "flags": ("--memory",)}, "--memory: a limit of 1m", "6m"),
    ((), {"cpus": "0"}, "--cpus: '0' is not a number of processors", ""),
    ((), {"gpus": "many"}, "--gpus: 'many' names no graphics processors", "all"),
    ((), {"volumes": ("a/b:/c",)}, "--volume: 'a/b' names neither", "./a/b"),
    ((), {"volumes": ("/a:/c", "/b:/c")}, "--volume: /a:/c and /b:/c are mounted at the same place", ""),
    ((), {"ports": ("http",)}, "--publish: 'http' is not a port", "8080:80"),
    ((), {"working_directory": "x"}, "--workdir: x is not an absolute path", ""),
]


@pytest.mark.parametrize(("arguments", "asked", "message", "hint"), REFUSED, ids=str)
def test_what_no_container_can_have_is_refused_by_name(arguments, asked, message, hint):
    with pytest.raises(BadInput, match=re.escape(message)) as caught:
        plan(arguments, **asked)
    assert hint in caught.value.hint


def test_errors_name_the_place_in_the_file_by_its_own_words():
    spec = replace(SPEC, file="job.yml", lines=(("resources.docker_args", 7), ("resources.shm_size", 8)))
    with pytest.raises(BadInput) as caught:
        plan(("--name=x",), spec=spec)
    assert (caught.value.file, caught.value.line, caught.value.key) == ("job.yml", 7, "resources.docker_args")
    with pytest.raises(BadInput) as caught:
        plan(spec=spec, shm_size="0g")
    assert (caught.value.line, caught.value.key) == (8, "resources.shm_size")
    names = (("resources.docker_args", "docker.arguments"),)
    spec = replace(spec, lines=(("docker.arguments", 3),), key_names=names)
    with pytest.raises(BadInput) as caught:
        plan(("--name=x",), spec=spec)
    assert (caught.value.line, caught.value.key) == (3, "docker.arguments")


@pytest.mark.parametrize("network", ["none", "bridge", "container:x"])
def test_nodes_that_could_not_find_one_another_are_refused(network):
    with pytest.raises(BadInput, match="2 nodes cannot find one another"):
        plan(spec=replace(SPEC, nodes=2), network=network)


def test_name_of_a_node_is_not_given_to_another_host():
    with pytest.raises(BadInput, match="node-1 is the name of a node"):
        plan(("--add-host", "node-1:10.0.0.7"), spec=replace(SPEC, nodes=2))
    assert options("--add-host", "node-1:10.0.0.7") == {"ExtraHosts": ["node-1:10.0.0.7"]}
    assert plan(("--add-host", "node-2=10.0.0.7"), spec=replace(SPEC, nodes=2)).nodes == 2


def test_nodes_know_one_another_by_name_where_they_have_a_network():
    spec = replace(SPEC, nodes=2, distribution=DistributionSpec(type="pytorch"))
    addresses = {network: _find_master(plan(spec=spec, network=network)) for network in ("", "mine", "host")}
    assert addresses == {"": "node-0", "mine": "node-0", "host": "127.0.0.1"}
    assert _find_master(plan(spec=replace(spec, nodes=1))) == "127.0.0.1"


def _find_master(made):
    return dict(made.ranks[-1].variables)["MASTER_ADDR"]


def test_ports_of_several_nodes_are_told_to_be_the_first_one_s():
    made = plan(spec=replace(SPEC, nodes=2), ports=("80:80",))
    assert "the ports of the first node are published, those of the others are not" in made.notes


def test_flags_for_containers_are_refused_on_the_local_target():
    spec = replace(SPEC, environment=None)
    with pytest.raises(BadInput, match="-v: this flag is for containers") as caught:
        plan(spec=spec, volumes=("/a:/b",), flags=("-v",))
    assert "--target docker" in caught.value.hint


def test_what_a_file_says_of_containers_is_noted_on_the_local_target():
    spec = replace(SPEC, environment=None)
    assert plan(("--name=x", "--nonsense"), spec=spec, shm_size="8g").notes == (
        "ignored without -t docker: resources.docker_args, resources.shm_size",
    )
    assert plan(spec=spec).notes == ()


def test_an_image_that_the_local_target_does_without_is_noted():
    spec = replace(SPEC, environment=EnvironmentSpec(python=PYTHON, image="i:1"))
    assert plan(spec=spec).notes == ("the image i:1 is not used on the local target; -t docker uses it",)
    build = EnvironmentSpec(python=PYTHON, build=ImageBuildSpec(dockerfile="FROM i"))
    notes = plan(spec=replace(SPEC, environment=build)).notes
    assert notes == ("the Dockerfile of the environment is not used on the local target; -t docker uses it",)
    own = EnvironmentSpec(interpreter="python", image=STANDARD)
    assert plan(spec=replace(SPEC, environment=own)).notes == ()

"""Plans that are seldom asked for, and refusals that few meet."""

from __future__ import annotations

import json

import pytest

from localrun.errors import BadInput
from localrun.fingerprint import layer_fingerprint
from localrun.plan import STARTER, EnvironmentPlan, Plan, RankPlan, SourcePlan, describe_command
from localrun.resolve import resolve
from localrun.resolve.again import set_ranks, set_target
from localrun.resolve.context import LONGEST
from localrun.resolve.credentials import hide_in_plan
from localrun.resolve.facts import HostFacts
from localrun.resolve.image import list_bases_of
from localrun.resolve.lock_fit import find_misfit
from localrun.resolve.locks import note_lock, settle_lock
from localrun.spec import ContainerSpec, EnvironmentSpec, ImageBuildSpec, InputSpec, LockSpec, PythonSpec, RunSpec
from localrun.values import replace

FACTS = HostFacts(
    platform="linux-64", cpu_count=8, python_version="3.12", interpreter="/usr/bin/python3", user="1000:1000",
    paths=(("/src", "folder"), ("/src/train.py", "file"), ("/src/run.sh", "file"), ("/f", "file")),
    images=(("i", "sha256:1"),), engine_platform="linux/amd64",
)  # fmt: skip
SCRIPT = RunSpec(script="/src/train.py", source_directory="/src")
CONTAINER = RunSpec(command="true", source_directory="/src", environment=EnvironmentSpec(image="i"), target="docker")
PLAN = Plan(
    target="local",
    experiment="e",
    environment=EnvironmentPlan(kind="conda", label="x", channels=("https://user:hunter2@example.org/c",)),
    source=SourcePlan(directory="/s"),
    argv=("python", "x.py"),
    ranks=(RankPlan(rank=0, local_rank=0, node=0),),
)


def refused(spec):
    with pytest.raises(BadInput) as caught:
        resolve(spec, FACTS)
    return caught.value


def test_layer_of_packages_is_named_after_all_of_them_in_any_order():
    packages = ("https://example.org/a.conda#1", "https://example.org/b.conda#2")
    first = layer_fingerprint(base="sha256:1", prefix="/p", packages=packages)
    assert len(first) == 64
    assert layer_fingerprint(base="sha256:1", prefix="/p", packages=packages[::-1]) == first
    others = [("sha256:2", "/p", packages), ("sha256:1", "/q", packages), ("sha256:1", "/p", packages[:1])]
    assert first not in {layer_fingerprint(base=base, prefix=prefix, packages=some) for base, prefix, some in others}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network_rate": "fast"}, "cannot be read"),
        ({"network_delay": "50ms"}, "the run has one"),
    ],
)
def test_network_between_nodes_is_refused_where_there_is_none(changes, said):
    assert said in refused(replace(CONTAINER, container=ContainerSpec(**changes))).message


def test_network_that_is_not_the_run_s_own_is_not_slowed():
    asked = ContainerSpec(network_loss="1%", network="mine")
    assert "not the run's own" in refused(replace(CONTAINER, nodes=2, container=asked)).message


@pytest.mark.parametrize(
    ("argument", "option"),
    [("--cgroupns=host", ("CgroupnsMode", "host")), ("--cpu-rt-period=1ms", ("CpuRealtimePeriod", 1000))],
)
def test_options_of_one_word_or_a_duration_are_read(argument, option):
    made = resolve(replace(CONTAINER, container=ContainerSpec(arguments=(argument,))), FACTS)
    assert option in [(name, json.loads(text)) for name, text in made.container.options]


def test_duration_that_is_none_is_refused():
    error = refused(replace(CONTAINER, container=ContainerSpec(arguments=("--cpu-rt-period=soon",))))
    assert "is not a duration" in error.message


def test_mount_that_cannot_be_read_is_refused_with_the_plan():
    assert refused(replace(CONTAINER, container=ContainerSpec(arguments=("--mount=type=bind",))))


def test_rank_that_the_run_does_not_have_is_refused():
    error = refused(replace(SCRIPT, terminal_rank=2, terminal=True))
    assert "the run has no rank 2" in error.message
    assert error.hint == "its only rank is 0"


def test_shell_script_named_as_a_script_gets_the_way_to_run_it():
    error = refused(replace(SCRIPT, script="/src/run.sh"))
    assert "a shell script" in error.message
    assert error.hint == "run it with --command 'bash run.sh'"


def test_input_of_a_folder_that_is_a_file_is_refused():
    asked = replace(CONTAINER, inputs=(InputSpec(name="d", type="uri_folder", path="/f"),))
    assert "/f is a file, and the type is uri_folder" in refused(asked).message


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (ImageBuildSpec(context="https://example.org/x.git"), "is not a folder on this machine"),
        (ImageBuildSpec(dockerfile="RUN true"), "has no FROM"),
    ],
)
@pytest.mark.parametrize("name", ["", "mine"])
def test_dockerfile_that_cannot_be_built_is_refused(build, said, name):
    assert said in refused(replace(CONTAINER, environment=EnvironmentSpec(build=build, name=name))).message


def test_bases_of_an_environment_as_asked_for():
    build = ImageBuildSpec(dockerfile="FROM a AS one\nFROM b\nCOPY --from=one / /\n")
    assert list_bases_of(EnvironmentSpec(build=build)) == ("a", "b")
    assert list_bases_of(EnvironmentSpec(image="i")) == ("i",)
    assert list_bases_of(EnvironmentSpec()) == ()


def test_keys_of_the_cloud_are_told():
    notes = resolve(replace(SCRIPT, cloud_keys=("identity",)), FACTS).notes
    assert "ignored, because only Azure ML uses it: identity" in notes


def test_script_without_a_shim_gets_no_journal():
    assert "LOCALRUN_JOURNAL" not in dict(resolve(replace(SCRIPT, shim=False), FACTS).variables)


def test_what_a_script_knows_is_cut_when_it_is_too_long_for_a_variable():
    python = PythonSpec(channels=("c",), conda=tuple(f"package-{number}" for number in range(LONGEST // 8)))
    asked = replace(SCRIPT, environment=EnvironmentSpec(python=python, name="n"), tags=(("a", "b"),))
    context = json.loads(dict(resolve(asked, FACTS).variables)["LOCALRUN_CONTEXT"])
    assert set(context["environment"]) == {"name", "label"}
    assert context["tags"] == {}


def test_plan_that_is_shown_holds_no_credentials():
    assert "hunter2" not in repr(hide_in_plan(PLAN))


def test_rerun_with_fewer_ranks_keeps_the_rank_of_the_terminal():
    with pytest.raises(BadInput, match="on rank 1"):
        set_ranks(replace(PLAN, terminal_rank=1), nodes=1, processes=1)


@pytest.mark.parametrize(("target", "there"), [("docker", True), ("local", False)])
def test_rerun_on_the_other_target_has_containers_or_none(target, there):
    environment = EnvironmentPlan(kind="interpreter", interpreter="/p")
    plan = set_target(PLAN, replace(CONTAINER, target=target), environment, FACTS)
    assert (plan.target, plan.container is not None, plan.environment) == (target, there, environment)


def test_lock_beside_is_told_when_a_date_says_what_to_take():
    python = PythonSpec(conda=("python",), lock_file="conda-lock.yml", as_of="2026-01-01")
    (said,) = note_lock(python, EnvironmentPlan(kind="conda", conda=("python",)))
    assert "as --as-of says what to take" in said


def test_environment_without_a_lock_is_registered_as_it_is():
    asked = EnvironmentSpec(python=PythonSpec(conda=("python",)))
    assert settle_lock(asked, EnvironmentPlan(kind="conda")) is asked


@pytest.mark.parametrize("spec", ["@odd", "python=release"])
def test_form_of_a_spec_that_is_not_known_counts_as_allowed(spec):
    address = f"https://host/conda-forge/linux-64/python-3.11.7-h0_0.conda#sha256:{'a' * 64}"
    assert not find_misfit(LockSpec(platform="linux-64", conda=(address,)), PythonSpec(conda=(spec,)))


def test_network_of_the_run_s_own_may_be_slowed():
    made = resolve(replace(CONTAINER, nodes=2, container=ContainerSpec(network_loss="1%")), FACTS)
    assert made.container.network_loss == "1%"


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (("bash", "-c", "python train.py | tee log"), "python train.py | tee log"),
        (("python", "train.py", "--epochs", "3"), "python train.py --epochs 3"),
        (("python", *STARTER, "a line of ours", "train.py", "x"), "python train.py x"),
    ],
)
def test_a_command_is_told_as_it_was_written(argv, shown):
    assert describe_command(argv) == shown

from __future__ import annotations

import pytest

from localrun.errors import BadInput
from localrun.plan import describe_command
from localrun.resolve import BELOW, EXPANDING, plan_command, resolve
from localrun.resolve.facts import HostFacts
from localrun.resolve.refusal import locate
from localrun.spec import DistributionSpec, EnvironmentSpec, RunSpec
from localrun.values import replace

SPEC = RunSpec(
    script="/p/train.py",
    source_directory="/p",
    environment=EnvironmentSpec(interpreter="python3"),
    expand_arguments=True,
    file="x.runconfig",
    lines=(("communicator", 5), ("docker.useDocker", 9), ("environmentVariables.RANK", 11)),
    key_names=(("distribution.type", "communicator"), ("environment_variables", "environmentVariables")),
)
FACTS = HostFacts(
    platform="linux-64",
    cpu_count=2,
    python_version="3.11",
    interpreter="/usr/bin/python3",
    paths=(("/p", "folder"), ("/p/train.py", "file")),
)


def test_arguments_with_variables_are_expanded_by_each_rank():
    asked = replace(SPEC, arguments=("--rank", "$LOCAL_RANK"))
    assert plan_command(asked, {}) == ("python", *EXPANDING, "train.py", "--rank", "$LOCAL_RANK")


def test_arguments_without_variables_go_to_the_script_as_they_are():
    assert plan_command(replace(SPEC, arguments=("--lr", "1")), {}) == ("python", "train.py", "--lr", "1")
    asked = replace(SPEC, arguments=("$HOME",), expand_arguments=False)
    assert plan_command(asked, {}) == ("python", "train.py", "$HOME")


def test_a_script_in_a_folder_of_the_project_gets_the_modules_of_the_project_too():
    asked = replace(SPEC, script="/p/sub/train.py", arguments=("$X",))
    argv = plan_command(asked, {})
    assert argv == ("python", *BELOW, "sub/train.py", "$X")
    assert describe_command(argv) == "python sub/train.py $X"
    assert plan_command(replace(asked, expand_arguments=False), {}) == ("python", "sub/train.py", "$X")


@pytest.mark.parametrize(
    ("changes", "line", "key"),
    [
        ({"distribution": DistributionSpec(type="horovod")}, 5, "communicator"),
        ({"environment_variables": (("RANK", "1"),), "distribution": DistributionSpec(type="pytorch")}, 11, "environmentVariables.RANK"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_key_of_the_run_configuration(changes, line, key):
    with pytest.raises(BadInput) as refused:
        resolve(replace(SPEC, **changes), FACTS)
    assert (refused.value.file, refused.value.line, refused.value.key) == ("x.runconfig", line, key)


def test_keys_of_a_job_keep_their_names_in_a_job():
    spec = RunSpec(command="ls", lines=(("limits.timeout", 3), ("environment_variables.A", 4)))
    assert locate(spec, "limits.timeout") == ("limits.timeout", 3)
    assert locate(spec, "environment_variables.A") == ("environment_variables.A", 4)
    assert locate(spec, "code") == ("code", 0)

"""Resolve is pure: a specification and facts give a plan, compared by value."""

from __future__ import annotations

import pytest

from localrun.errors import BadInput, NotRunnable
from localrun.plan import RUN_FOLDER, RUN_ID, SourcePlan, count_ports
from localrun.resolve import resolve
from localrun.resolve.facts import HostFacts
from localrun.spec import DistributionSpec, EnvironmentSpec, InputSpec, OutputSpec, PythonSpec, RunSpec
from localrun.values import replace

FACTS = HostFacts(
    platform="linux-64", cpu_count=8, python_version="3.12", interpreter="/usr/bin/python3", folder_name="My project!",
    paths=(("/src", "folder"), ("/src/train.py", "file"), ("/src/boot.sh", "file"), ("/boot.sh", "file"), ("/d", "folder"), ("/f", "file"), ("/locked", "locked"), ("/job", "folder"), ("/job/train.py", "file"), ("/job/logs", "locked")),
)  # fmt: skip
SCRIPT = RunSpec(script="/src/train.py", source_directory="/src", arguments=("--lr", "1"))
JOB = RunSpec(command="echo", source_directory="/src", file="job.yml")


def spec(base=SCRIPT, **changes):
    return replace(base, **changes)


def plan(base=SCRIPT, facts=FACTS, **changes):
    return resolve(spec(base, **changes), facts)


def test_plan_of_a_script_is_complete():
    made = plan()
    assert made.argv == ("python", "train.py", "--lr", "1")
    assert made.experiment == "My-project"
    assert made.source == SourcePlan(directory="/src")
    assert (made.environment.kind, made.environment.interpreter) == ("interpreter", "/usr/bin/python3")
    assert [rank.log for rank in made.ranks] == ["std_log.txt"]
    variables = dict(made.variables)
    assert variables["AZUREML_RUN_ID"] == variables["AZUREML_ROOT_RUN_ID"] == RUN_ID
    assert variables["MLFLOW_TRACKING_URI"] == f"file:{RUN_FOLDER}/mlruns"
    assert "AZUREML_EXPERIMENT_ID" not in variables
    assert dict(made.fallbacks) == {"PYTHONUNBUFFERED": "1"}
    assert {"AZUREML_RUN_TOKEN", "AZUREML_SERVICE_ENDPOINT"} <= set(made.own)
    assert made == plan()


def test_ranks_without_the_terminal_go_on_at_a_breakpoint():
    pytorch = DistributionSpec(type="pytorch", processes_per_node=3)
    told = [dict(rank.variables).get("PYTHONBREAKPOINT") for rank in plan(distribution=pytorch, terminal_rank=1).ranks]
    assert told == ["0", None, "0"]
    assert "PYTHONBREAKPOINT" not in dict(plan(distribution=pytorch).ranks[0].variables)


@pytest.mark.parametrize(
    "changes",
    [
        {"environment_variables": (("PYTHONBREAKPOINT", "web_pdb.set_trace"),)},
        {"inherited": ("PYTHONBREAKPOINT",)},
        {"environment": EnvironmentSpec(environment_variables=(("PYTHONBREAKPOINT", "web_pdb.set_trace"),))},
    ],
)
def test_what_breakpoint_does_may_be_said(changes):
    made = plan(distribution=DistributionSpec(type="pytorch", processes_per_node=2), terminal_rank=1, **changes)
    assert all("PYTHONBREAKPOINT" not in dict(rank.variables) for rank in made.ranks)
    assert "PYTHONBREAKPOINT" in {*dict(made.variables), *made.inherited}


def test_ranks_are_ordered_and_know_their_places():
    made = plan(nodes=2, distribution=DistributionSpec(type="pytorch", processes_per_node=3))
    told = [dict(rank.variables) for rank in made.ranks]
    assert [(item["RANK"], item["LOCAL_RANK"], item["NODE_RANK"]) for item in told] == [
        (str(rank), str(rank % 3), str(rank // 3)) for rank in range(6)
    ]
    assert {item["WORLD_SIZE"] for item in told} == {"6"}
    assert [item["AZ_BATCHAI_TASK_INDEX"] for item in told] == ["0", "1", "2", "0", "1", "2"]
    assert dict(made.fallbacks)["OMP_NUM_THREADS"] == "1"
    assert dict(made.variables)["AZUREML_EXPERIMENT_ID"] == "My-project"
    assert [rank.log for rank in made.ranks][4] == "std_log_process_4.txt"


def test_ranks_of_mpi_are_told_the_rest_by_mpirun_and_nobody_else():
    made = plan(distribution=DistributionSpec(type="mpi", processes_per_node=2))
    assert "RANK" not in dict(made.ranks[1].variables)
    assert {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "AZ_BATCH_HOST_LIST"} <= set(made.own)
    assert count_ports(made) == 0
    assert count_ports(plan(nodes=2, distribution=DistributionSpec(type="mpi"))) == 1


@pytest.mark.parametrize(
    ("nodes", "asked", "expected"),
    [
        (2, DistributionSpec(type="tensorflow"), [(0, 0), (1, 0)]),
        (2, DistributionSpec(type="tensorflow", processes_per_node=2), [(0, 0), (0, 1), (1, 0), (1, 1)]),
        (1, DistributionSpec(type="tensorflow", workers=2, parameter_servers=1), [(0, 0), (0, 1), (0, 2)]),
        (2, DistributionSpec(type="tensorflow", workers=2, parameter_servers=1), [(0, 0), (0, 1), (1, 0)]),
    ],
)
def test_each_task_of_tensorflow_is_a_rank_with_a_port_of_its_own(nodes, asked, expected):
    made = plan(nodes=nodes, distribution=asked)
    assert [(rank.node, rank.local_rank) for rank in made.ranks] == expected
    assert count_ports(made) == len(expected)


@pytest.mark.parametrize(("index", "expected"), [("local", "0101"), ("global", "0123"), ("node", "0011")])
def test_task_index_is_what_was_asked_for(index, expected):
    made = plan(nodes=2, distribution=DistributionSpec(type="pytorch", processes_per_node=2), task_index=index)
    assert "".join(dict(rank.variables)["AZ_BATCHAI_TASK_INDEX"] for rank in made.ranks) == expected


def test_inputs_and_outputs_stand_in_command_and_variables():
    made = plan(
        JOB,
        command="go ${{inputs.n}} ${{ inputs.d }} ${{inputs.c}} ${{inputs.f}} ${{inputs.u}} ${{outputs.o}}",
        inputs=(
            InputSpec(name="n", value="1 2"),
            InputSpec(name="d", type="uri_folder", path="/d"),
            InputSpec(name="c", type="uri_folder", path="/d", mode="download"),
            InputSpec(name="f", type="uri_file", path="/f", mode="download"),
            InputSpec(name="u", type="uri_file", value="azureml://x", mode="direct"),
        ),
        outputs=(OutputSpec(name="o"), OutputSpec(name="r", type="uri_file")),
        environment_variables=(("V", "<${{inputs.n}}>"),),
    )
    run = RUN_FOLDER
    assert made.argv[2] == f"go 1 2 /d {run}/inputs/c {run}/inputs/f/f azureml://x {run}/named-outputs/o"
    variables = dict(made.variables)
    assert (variables["V"], variables["AZUREML_PARAMETER_n"], variables["AZURE_ML_INPUT_d"]) == ("<1 2>", "1 2", "/d")
    assert variables["o"] == variables["AZURE_ML_OUTPUT_o"] == f"{run}/named-outputs/o"
    assert [(item.name, item.copied) for item in made.inputs] == [("d", False), ("c", True), ("f", True)]
    assert [(item.name, item.is_file) for item in made.outputs] == [("o", False), ("r", True)]


def test_layers_are_laid_in_their_order():
    made = plan(
        environment=EnvironmentSpec(interpreter="python3", environment_variables=(("A", "env"), ("B", "env"), ("MLFLOW_TRACKING_URI", "env"))),
        environment_variables=(("B", "run"), ("C", "run")),
        inherited=("C",),
    )  # fmt: skip
    variables = dict(made.variables)
    assert (variables["A"], variables["B"], variables["MLFLOW_TRACKING_URI"]) == ("env", "run", "env")
    assert "C" not in variables
    assert made.inherited == ("C",)


def test_conda_environment_is_named_by_its_fingerprint_and_a_requirements_file_takes_this_python():
    made = plan(environment=EnvironmentSpec(python=PythonSpec(conda=("python", "pip"), pip=("numpy",)), image="i:1"))
    environment = made.environment
    assert environment.conda == ("python=3.12", "pip")
    assert environment.name == f"azureml_{environment.fingerprint[:32]}"
    assert "the image i:1 is not used on the local target; -t docker uses it" in made.notes
    assert made.overlay


def test_bootstrap_is_relative_inside_the_source_and_absolute_outside():
    assert plan(bootstrap="/src/boot.sh").bootstrap == "boot.sh"
    assert plan(bootstrap="/boot.sh").bootstrap == "/boot.sh"


def test_script_with_a_leading_dash_cannot_be_taken_for_an_option():
    facts = replace(FACTS, paths=(("/src", "folder"), ("/src/-x.py", "file")))
    assert plan(facts=facts, script="/src/-x.py").argv[:2] == ("python", "./-x.py")


REFUSED = [
    ({"target": "docker"}, "-E: no environment is given, and the docker target needs one"),
    ({"target": "moon"}, "there is no target 'moon'"),
    ({"nodes": 0}, "--nodes: expected a whole number from 1, found 0"),
    ({"nodes": 100, "distribution": DistributionSpec(type="pytorch", processes_per_node=100)}, "10,000 ranks"),
    ({"distribution": DistributionSpec(type="ray")}, "--distribution: the distribution ray is not available yet"),
    ({"distribution": DistributionSpec(processes_per_node=2)}, "-n: 2 processes on a node need a distribution"),
    (
        {"nodes": 3, "distribution": DistributionSpec(type="tensorflow", workers=2)},
        "--nodes: 2 workers are fewer than 3 nodes",
    ),
    (
        {"distribution": DistributionSpec(type="mpi"), "inherited": ("OMPI_COMM_WORLD_RANK",)},
        "OMPI_COMM_WORLD_RANK is set by localrun",
    ),
    (
        {"distribution": DistributionSpec(type="pytorch"), "environment_variables": (("WORLD_SIZE", "4"),)},
        "WORLD_SIZE is set by localrun",
    ),
    ({"timeout_s": float("nan")}, "--timeout: expected seconds"),
    ({"experiment_name": "../x"}, "--experiment: '../x' cannot name an experiment"),
    ({"experiment_name": "x" * 201}, "cannot name an experiment"),
    ({"name": "-x"}, "--name: '-x' cannot name a run"),
    ({"target": "local", "environment": EnvironmentSpec(image="i")}, "-E: the environment is the image i"),
    ({"environment_variables": (("A", "x\0"),)}, "the value of A contains a NUL byte"),
    ({"environment_variables": (("A=", "x"),)}, "'A=' cannot be the name"),
    ({"environment_variables": (("A", "x" * 131_070),)}, "A is 131,072 bytes; Linux takes 131,071"),
    ({"environment_variables": (("A", "ü" * 65_535),)}, "A is 131,072 bytes"),
    ({"environment_variables": (("AZUREML_RUN_ID", "x"),)}, "AZUREML_RUN_ID is set by localrun"),
    ({"inherited": ("AZUREML_CR_NODE_RANK",)}, "AZUREML_CR_NODE_RANK is set by localrun"),
    ({"outputs": (OutputSpec(name="Path"),)}, "Path is a name that shells use"),
    ({"outputs_directory": "/f"}, "-o: /f is there and is no folder"),
    (
        {"source_directory": "/job", "script": "/job/train.py", "in_place": True},
        "--in-place: /job/logs cannot be written by you",
    ),
    ({"outputs_directory": "/locked"}, "-o: /locked cannot be written by you"),
    ({"outputs": (OutputSpec(name="m"),), "environment_variables": (("m", "x"),)}, "m is set by localrun"),
    (
        {"inputs": (InputSpec(name="x", type="uri_file", path="/none"),)},
        "inputs.x.path: there is no file or folder /none",
    ),
    ({"inputs": (InputSpec(name="x", type="uri_file", path="/d"),)}, "/d is a folder, and the type is uri_file"),
    ({"source_directory": "/none", "script": "/src/train.py"}, "--source: there is no folder /none"),
    ({"source_directory": "/f"}, "--source: there is a file, not a folder: /f"),
    ({"source_directory": "/d"}, "the script /src/train.py lies outside the source folder /d"),
]


@pytest.mark.parametrize(("changes", "says"), REFUSED, ids=lambda item: str(item)[:50])
def test_what_makes_no_run_is_refused_with_a_hint(changes, says):
    with pytest.raises(BadInput) as caught:
        plan(**changes)
    assert says in caught.value.message
    assert caught.value.hint


def test_longest_variable_that_linux_takes_is_taken():
    assert dict(plan(environment_variables=(("A", "x" * 131_069),)).variables)["A"]


def test_not_there_is_127_and_not_a_script_is_126():
    for changes, code in (({"script": "/src/none.py"}, 127), ({"script": "/d"}, 126), ({"bootstrap": "/none"}, 127)):
        with pytest.raises(NotRunnable) as caught:
            plan(**changes)
        assert caught.value.exit_code == code
    with pytest.raises(NotRunnable) as caught:
        plan(facts=replace(FACTS, interpreter=""))
    assert caught.value.exit_code == 127


def test_script_behind_a_link_that_leads_out_is_refused_unless_in_place():
    facts = replace(FACTS, script_outside="/elsewhere/train.py")
    with pytest.raises(BadInput, match=r"is a link to /elsewhere/train\.py"):
        plan(facts=facts)
    assert plan(facts=facts, in_place=True).source.in_place


def test_key_of_the_job_file_is_named_when_its_line_is_known():
    lines = (("resources.instance_count", 7), ("environment_variables.RANK", 9))
    with pytest.raises(BadInput) as caught:
        plan(JOB, nodes=0, lines=lines)
    assert (caught.value.file, caught.value.line, caught.value.key) == ("job.yml", 7, "resources.instance_count")
    with pytest.raises(BadInput) as caught:
        plan(JOB, environment_variables=(("RANK", "1"),), lines=lines, distribution=DistributionSpec(type="pytorch"))
    assert (caught.value.file, caught.value.line, caught.value.key) == ("job.yml", 9, "environment_variables.RANK")

"""Preparing a run's folder: a real folder, no process."""

from __future__ import annotations

import os

import pytest

from localrun import shim
from localrun.errors import BadInput, StoreFailed
from localrun.plan import (
    RUN_FOLDER,
    RUN_ID,
    Artifact,
    EnvironmentPlan,
    InputPlan,
    OutputPlan,
    Plan,
    RankPlan,
    SourcePlan,
)
from localrun.supervise.room import NAME
from localrun.targets.local import SEED_MARKER, check_marker, prepare
from localrun.workspace.snapshot_store import list_kept, read_kept

ARTIFACT = Artifact(
    kind="conda", python="/env/bin/python", prefix="/env", path=("/env/bin",), variables=(("ACTIVE", "1"),)
)


def make_plan(folder, /, **changes):
    fields = {
        "target": "local", "experiment": "exp", "environment": EnvironmentPlan(kind="conda", name="azureml_1"),
        "source": SourcePlan(directory=str(folder)), "argv": ("python", "train.py"), "ranks": (RankPlan(rank=0, local_rank=0, node=0),),
    }  # fmt: skip
    return Plan(**fields | changes)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "train.py").write_text("pass")
    return folder


def prepared(plan, folder, environ=None, artifact=ARTIFACT):
    os.makedirs(folder)
    home = str(folder.parent / "home")
    return prepare(plan, artifact, run_id="exp_1_ab", folder=str(folder), home=home, port=20_001, environ=environ or {})


@pytest.mark.parametrize(("caller", "seen"), [({"AZUREML_PROCESS_NAME": "rank_1"}, None), ({}, "1")])
def test_a_run_that_a_rank_starts_knows_nothing_of_the_ranks_of_the_other_run(source, tmp_path, caller, seen):
    environ = {"RANK": "1", "TF_CONFIG": "{}", "OMPI_COMM_WORLD_RANK": "1", "MINE": "1", "PATH": "/bin", **caller}
    (process,) = prepared(make_plan(source), tmp_path / "run", environ).processes
    variables = dict(process.variables)
    assert [variables.get(name) for name in ("RANK", "OMPI_COMM_WORLD_RANK", "MINE")] == [seen, seen, "1"]
    assert ("TF_CONFIG" in variables) == bool(seen)


def test_folder_of_a_run(source, tmp_path):
    (source / "outputs").mkdir()
    (source / "outputs" / "old").write_text("old")
    ranks = tuple(RankPlan(rank=n, local_rank=0, node=n, log=f"std_log_process_{n}.txt") for n in range(2))
    ready = prepared(make_plan(source, ranks=ranks, nodes=2), tmp_path / "run")
    run = tmp_path / "run"
    assert (run / "wd" / "train.py").exists()
    assert (run / "node-1" / "wd" / "train.py").exists()
    assert (run / NAME).exists()
    assert [process.directory for process in ready.processes] == [str(run / "wd"), str(run / "node-1" / "wd")]
    assert os.path.samefile(run / "outputs", run / "wd" / "outputs")
    assert os.path.samefile(run / "outputs", run / "node-1" / "wd" / "outputs")
    assert os.path.samefile(run / "wd" / "user_logs", run / "user_logs")
    assert [process.log for process in ready.processes] == [str(run / "user_logs" / rank.log) for rank in ranks]


def test_variables_have_their_order_of_precedence(source, tmp_path):
    plan = make_plan(
        source, variables=(("A", "plan"), ("ID", f"{RUN_ID} in {RUN_FOLDER}")), fallbacks=(("A", "low"), ("F", "low"), ("G", "low")),
        inherited=("PASSED", "GONE"), own=("RANK",), ranks=(RankPlan(rank=0, local_rank=0, node=0, variables=(("RANK", "0"),)),),
    )  # fmt: skip
    environ = {
        "A": "caller",
        "G": "caller",
        "PASSED": "p",
        "RANK": "9",
        "PYTHONPATH": "/x",
        "PATH": "/usr/bin",
        "ACTIVE": "0",
    }
    (process,) = prepared(plan, tmp_path / "run", environ).processes
    found = dict(process.variables)
    assert {name: found.get(name) for name in ("A", "F", "G", "PASSED", "GONE", "RANK", "PYTHONPATH", "ACTIVE")} == {
        "A": "plan", "F": "low", "G": "caller", "PASSED": "p", "GONE": None, "RANK": "0", "PYTHONPATH": shim.PATH, "ACTIVE": "1",
    }  # fmt: skip
    assert found["ID"] == f"exp_1_ab in {tmp_path}/run"
    assert found["PATH"] == "/env/bin:/usr/bin"
    assert found["PWD"] == f"{tmp_path}/run/wd"
    assert process.argv == ("/env/bin/python", "train.py")


def test_python_path_is_left_alone_without_the_shim(source, tmp_path):
    (process,) = prepared(make_plan(source, shim=False), tmp_path / "run", {"PYTHONPATH": "/x"}).processes
    assert "PYTHONPATH" not in dict(process.variables)


def test_callers_python_path_stays_for_an_interpreter_of_the_users(source, tmp_path):
    artifact = Artifact(kind="interpreter", python="/usr/bin/python3", path=("/usr/bin",))
    (process,) = prepared(make_plan(source), tmp_path / "run", {"PYTHONPATH": "/x"}, artifact).processes
    assert dict(process.variables)["PYTHONPATH"] == f"{shim.PATH}:/x"


def test_interpreter_that_path_leads_to_leaves_the_order_of_path_to_the_caller(source, tmp_path):
    for folder, name in (("first", "mpirun"), ("second", "python3"), ("second", "mpirun"), ("third", "python3")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).touch(mode=0o755)
    callers = f"{tmp_path}/first:{tmp_path}/second:{tmp_path}/third"
    found = {}
    for folder in ("second", "third"):
        artifact = Artifact(kind="interpreter", python=f"{tmp_path}/{folder}/python3", path=(f"{tmp_path}/{folder}",))
        (process,) = prepared(make_plan(source), tmp_path / f"run-{folder}", {"PATH": callers}, artifact).processes
        found[folder] = dict(process.variables)["PATH"]
    assert found == {"second": callers, "third": f"{tmp_path}/third:{callers}"}


def test_inputs_and_outputs_are_in_their_places(source, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_text("a")
    plan = make_plan(
        source,
        inputs=(InputPlan(name="kept", path=str(tmp_path / "data")), InputPlan(name="mine", path=str(tmp_path / "data"), copied=True)),
        outputs=(OutputPlan(name="model", path="named-outputs/model"), OutputPlan(name="one", path="named-outputs/one", is_file=True)),
    )  # fmt: skip
    prepared(plan, tmp_path / "run")
    assert (tmp_path / "run" / "inputs" / "mine" / "a").read_text() == "a"
    assert sorted(os.listdir(tmp_path / "run" / "inputs")) == ["mine"]
    assert os.listdir(tmp_path / "run" / "named-outputs") == ["model"]


SCRIPT = f"M={SEED_MARKER}\ntouch $M\n"


def test_marker_of_the_bootstrap_idiom_belongs_to_run_and_node(source, tmp_path):
    (source / "b.sh").write_text(SCRIPT)
    (source / "notes.txt").write_text(SCRIPT)
    ranks = tuple(RankPlan(rank=n, local_rank=0, node=n) for n in range(2))
    plan = make_plan(source, argv=("bash", "-c", f"ls {SEED_MARKER}"), ranks=ranks, nodes=2, bootstrap="b.sh")
    run = tmp_path / "run"
    ready = prepared(plan, run)
    assert (run / "wd" / "b.sh").read_text() == f"M={run}/node-0-bootstrap_complete\ntouch $M\n"
    assert (run / "node-1" / "wd" / "b.sh").read_text() == f"M={run}/node-1-bootstrap_complete\ntouch $M\n"
    kept = {entry.path: entry for entry in list_kept(str(tmp_path / "home"), str(run))}
    assert read_kept(str(tmp_path / "home"), kept["b.sh"]) == SCRIPT.encode()
    assert (run / "wd" / "notes.txt").read_text() == SCRIPT
    assert [process.argv[2] for process in ready.processes] == [
        f"ls {run}/node-{n}-bootstrap_complete" for n in range(2)
    ]
    assert [script.argv[-1] for script in ready.bootstraps] == [
        f"{process.directory}/b.sh" for process in ready.processes
    ]


@pytest.mark.usefixtures("marker")
def test_run_in_place_uses_the_folder_itself_and_the_marker_as_it_is(source, tmp_path):
    (source / "b.sh").write_text(SCRIPT)
    plan = make_plan(
        source, source=SourcePlan(directory=str(source), in_place=True), argv=("bash", "-c", f"ls {SEED_MARKER}")
    )
    (process,) = prepared(plan, tmp_path / "run").processes
    assert (process.directory, process.argv[2]) == (str(source), f"ls {SEED_MARKER}")
    assert sorted(os.listdir(source)) == ["b.sh", "logs", "outputs", "train.py"]


@pytest.mark.parametrize("used", [True, False])
def test_home_that_needs_quotes_gets_a_place_that_does_not(source, tmp_path, used):
    if used:
        (source / "b.sh").write_text(SCRIPT)
    run = tmp_path / "a run"
    prepared(make_plan(source), run)
    assert os.path.lexists(run / "place") == used
    if used:
        place = os.readlink(run / "place")
        assert (run / "wd" / "b.sh").read_text().startswith(f"M={place}/node-0-bootstrap_complete\n")
        os.rmdir(place)


def test_place_goes_when_the_folder_cannot_be_completed(source, tmp_path):
    (source / "b.sh").write_text(SCRIPT)
    (tmp_path / "file").write_text("")
    plan = make_plan(source, outputs=(OutputPlan(name="x", path="user_logs"),))  # it is there already
    with pytest.raises(StoreFailed):
        prepared(plan, tmp_path / "a run")
    assert not os.path.lexists(tmp_path / "a run" / "place")


def test_plan_that_is_not_in_place_minds_no_marker(source):
    assert check_marker(make_plan(source)) is None


def test_source_that_cannot_be_read_is_bad_input(tmp_path):
    with pytest.raises(BadInput):
        prepared(make_plan(tmp_path / "none"), tmp_path / "run")

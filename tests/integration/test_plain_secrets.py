"""Secrets that stand in plain text in a run configuration: used, told of, and kept nowhere."""

from __future__ import annotations

import json
import os
import sys

from contained_kit import Contained
from secret_kit import PLAIN, find_forms, search_files, store

from localrun import Environment, Experiment, ScriptRunConfig, Workspace

OWN = ("-E", f"interpreter:{sys.executable}")
SCRIPT = "import os, sys; sys.exit(0 if os.environ.get('DB_PASSWORD') == sys.argv[1][::-1] else 9)"
JOB = """
command: python train.py {backwards}
code: src
environment_variables:
  DB_PASSWORD: {plain}
  SIZE: large
"""


def write_job(localrun):
    os.mkdir(os.path.join(localrun.source, "src"))
    localrun.write("src/train.py", SCRIPT)
    localrun.write("job.yml", JOB.format(plain=PLAIN, backwards=PLAIN[::-1]))


def test_a_plain_secret_of_a_job_reaches_its_script_and_nothing_else(localrun):
    write_job(localrun)
    for _ in range(2):  # it is not remembered for a warm run either
        done = localrun.run(*OWN, "job.yml")
        assert done.returncode == 0, done.stderr
        assert b"job.yml:5: DB_PASSWORD looks like a secret in plain text" in done.stderr
        assert b"--secret db-password=DB_PASSWORD" in done.stderr
    plan = localrun.record()["plan"]
    assert plan["withheld"] == ["DB_PASSWORD"]
    assert plan["variables"]["SIZE"] == "large"
    commands = ("inspect", "latest"), ("ps", "-a"), ("plan", *OWN, "job.yml"), ("plan", "--format", "json", "job.yml")
    commands += (("diff", *(record["run_id"] for record in localrun.records())),)
    said = [localrun.command(*words) for words in commands]
    assert find_forms(b"".join(one.stdout + one.stderr for one in said)) == []
    assert b"variable     DB_PASSWORD (given in plain text, not shown)" in said[2].stdout
    assert search_files(localrun.home) == []


def test_rerun_asks_for_what_no_record_keeps(localrun, monkeypatch):
    localrun.write("train.py", SCRIPT)
    given = f"DB_PASSWORD={PLAIN}"
    assert localrun.run("-q", *OWN, "-e", given, "train.py", PLAIN[::-1]).returncode == 0
    refused = localrun.command("rerun", "-q", "latest")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (125, b"kind=bad_input")
    assert b"the value of DB_PASSWORD was a secret in plain text" in refused.stderr
    assert localrun.command("rerun", "-q", "-e", given, "latest").returncode == 0
    monkeypatch.setenv("DB_PASSWORD", PLAIN)
    done = localrun.command("rerun", "latest")
    assert done.returncode == 0, done.stderr
    assert b"the value of DB_PASSWORD is this shell's" in done.stderr
    assert [record["plan"]["withheld"] for record in localrun.records()] == [["DB_PASSWORD"]] * 3
    assert search_files(localrun.home) == []


def test_a_registered_environment_holds_a_reference_which_a_run_reads(localrun, monkeypatch, tmp_path):
    monkeypatch.setenv("LOCALRUN_SECRETS", "file")
    folder = tmp_path / "environment"
    folder.mkdir()
    document = {
        "name": "mine",
        "environmentVariables": {"DB_PASSWORD": PLAIN},
        "python": {"userManagedDependencies": True, "interpreterPath": sys.executable},
    }
    (folder / "azureml_environment.json").write_text(json.dumps(document))
    localrun.write("train.py", SCRIPT)
    done = localrun.run("-E", str(folder), "train.py", PLAIN[::-1])
    assert done.returncode == 0, done.stderr
    assert b"DB_PASSWORD looks like a secret in plain text" in done.stderr
    assert search_files(localrun.home) == []
    registered = localrun.record()["plan"]["environment"]["registered"]
    refused = localrun.run("-E", registered, "train.py", PLAIN[::-1])
    assert refused.stderr.splitlines()[-1] == b"kind=secret_not_found", refused.stderr
    store(localrun, "db-password", PLAIN)
    assert localrun.run("-E", registered, "train.py", PLAIN[::-1]).returncode == 0
    assert search_files(localrun.home) == []


def test_a_submitted_run_gets_it_from_python_and_keeps_it_nowhere(own_workspace, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text(SCRIPT.replace("sys.argv[1][::-1]", f"{PLAIN[::-1]!r}[::-1]"))
    environment = Environment("mine")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = sys.executable
    environment.environment_variables["DB_PASSWORD"] = PLAIN
    config = ScriptRunConfig(str(tmp_path / "source"), "train.py", environment=environment)
    config.run_config.environment_variables["HF_TOKEN"] = PLAIN
    workspace = Workspace.from_config()
    run = Experiment(workspace, "exp").submit(config)
    run.wait_for_completion()
    assert run.get_status() == "Completed"
    assert PLAIN not in repr(run.get_details())
    config.run_config.save(str(tmp_path), "mine")
    environment.save_to_directory(str(tmp_path / "saved"))
    environment.register(workspace)
    assert search_files(own_workspace) == search_files(tmp_path) == []


def test_a_container_gets_it_and_the_engine_does_not(own_workspace, tmp_path, engine, python_image):
    contained = Contained(own_workspace, tmp_path / "source", engine, python_image)
    script = contained.write("train.py", SCRIPT)
    done = contained.run("--keep", "-e", f"DB_PASSWORD={PLAIN}", script, PLAIN[::-1])
    try:
        assert done.returncode == 0, done.stderr
        (container,) = contained.containers()
        assert find_forms(engine.docker("inspect", container).encode()) == []
        assert search_files(contained.home) == []
    finally:
        for container in contained.containers():
            engine.docker("rm", "-f", container)

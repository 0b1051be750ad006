"""From flags and files to a run configuration."""

from __future__ import annotations

import os

import pytest

from localrun.adapters.files import Reading
from localrun.cli.flags import Flags
from localrun.cli.request import read_request
from localrun.errors import BadInput
from localrun.spec import DistributionSpec

JOB = """command: echo
environment: {conda_file: {dependencies: [python]}}
environment_variables: {A: job, B: job}
resources: {instance_count: 2}
limits: {timeout: 60}
name: from-file
"""


@pytest.fixture
def ask(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.yml").write_text(JOB)
    (tmp_path / "train.py").write_text("")

    def read(source="job.yml", **given):
        return read_request(Flags(source=source, **given), Reading())

    return read


def test_script_works_in_its_own_folder_unless_another_is_named(ask, tmp_path):
    spec = ask("train.py", arguments=("-n", "2"))
    assert (spec.script, spec.source_directory) == (str(tmp_path / "train.py"), str(tmp_path))
    assert spec.arguments == ("-n", "2")
    assert ask("train.py", source_directory="..").source_directory == str(tmp_path.parent)


def test_command_works_in_the_working_directory(ask, tmp_path):
    spec = ask("", command="echo")
    assert (spec.command, spec.source_directory, spec.script) == ("echo", str(tmp_path), "")


def test_flags_are_laid_over_the_job_and_take_its_lines_away(ask):
    spec = ask(nodes=3, processes=2, timeout_s=5.0, name="n", experiment="e")
    assert (spec.nodes, spec.distribution) == (3, DistributionSpec(type="pytorch", processes_per_node=2))
    assert (spec.timeout_s, spec.name, spec.experiment_name, spec.file) == (5.0, "n", "e", "job.yml")
    kept = dict(spec.lines)
    assert not {"resources.instance_count", "limits.timeout", "name"} & set(kept)
    assert kept["environment_variables.A"] == 3
    assert dict(ask().lines)["limits.timeout"] == 5


def test_later_variable_wins_whether_it_is_set_or_passed_on(ask, tmp_path):
    (tmp_path / "a.env").write_text("A=file\nC=file\nD\n")
    spec = ask(variable_files=("a.env",), variables=("C", "D=flag", "E=1", "E=2"))
    assert dict(spec.environment_variables) == {"A": "file", "B": "job", "D": "flag", "E": "2"}
    assert spec.inherited == ("C",)
    assert "environment_variables.A" not in dict(spec.lines)
    assert "environment_variables.B" in dict(spec.lines)


def test_large_value_of_an_env_file_is_told_with_its_line(ask, tmp_path):
    (tmp_path / "a.env").write_text("X=1\n\n  X=" + "x" * 200_000)
    with pytest.raises(BadInput) as caught:
        ask(variable_files=("a.env",))
    assert (caught.value.file, caught.value.line, caught.value.key) == ("a.env", 3, "X")


def test_everything_that_was_read_or_looked_at_is_evidence(ask, tmp_path):
    (tmp_path / "a.env").write_text("X=1\n")
    (tmp_path / "requirements.txt").write_text("numpy\n")
    reading = Reading()
    read_request(Flags(source=".", variable_files=("a.env",), environment="requirements.txt"), reading)
    assert {str(tmp_path / name) for name in ("job.yml", "a.env", "requirements.txt")} <= set(reading.evidence)
    assert all(os.path.isabs(path) for path in reading.evidence)


def test_interpreter_of_the_users_own_is_taken_as_written(ask):
    assert ask("train.py", environment="interpreter:venv/bin/python").environment.interpreter == "venv/bin/python"

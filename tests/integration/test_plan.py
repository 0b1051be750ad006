"""What `plan` says is what `run` does, for a job file that uses everything."""

from __future__ import annotations

import json
import os
import sys

import pytest

OWN = ("-E", f"interpreter:{sys.executable}")
JOB = """\
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
command: >-
  python train.py --lr ${{inputs.lr}} --flag ${{ inputs.flag }} --data ${{inputs.data}} --copy ${{inputs.copy}}/x.csv
  --file ${{inputs.file}} --out ${{outputs.model}} --report ${{ outputs.report }} && echo "level $LEVEL"
code: ./src
environment:
  image: mcr.microsoft.com/azureml/base:latest
  conda_file: {channels: [conda-forge], dependencies: [python=3.11, pip, {pip: [numpy]}]}
environment_variables: {LEVEL: "n ${{inputs.lr}}", NUM: 3, YES: true, NOTHING: , OUT: "${{outputs.model}}/x"}
inputs:
  lr: 0.1
  flag: true
  url: https://example.com/x
  data: {type: uri_folder, path: ./data}
  copy: {type: uri_folder, path: ./data, mode: download}
  file: {type: uri_file, path: ./data/x.csv, mode: ro_mount}
outputs:
  model:
  report: {type: uri_file}
resources: {instance_count: 2, instance_type: STANDARD_D2, shm_size: 2g}
distribution: {type: pytorch, process_count_per_instance: 2}
limits: {timeout: 60}
compute: azureml:cluster
identity: {type: aml_token}
services: {ssh: {type: ssh}}
experiment_name: my-exp
display_name: A nice one
description: words
tags: {a: b}
"""
TRAIN = """\
import json, os, sys
names = dict(zip(sys.argv[1::2], sys.argv[2::2]))
with open(names["--copy"], "a") as file:
    file.write("changed")
if os.environ["RANK"] == "0":
    open(names["--report"], "w").write("report")
    open(os.path.join(os.environ["model"], "weights"), "w").write("weights")
    print(json.dumps({"argv": names, "variables": dict(os.environ), "file": open(names["--file"]).read()}))
"""


@pytest.fixture
def job(localrun):
    for name in ("src", "data"):
        os.mkdir(os.path.join(localrun.source, name))
    localrun.write("job.yml", JOB)
    localrun.write("data/x.csv", "1,2\n")
    localrun.write("src/train.py", TRAIN)
    return localrun


def plan_of(localrun, *words, **options):
    done = localrun.command("plan", "--format", "json", *words, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_plan_of_a_job_names_everything_and_makes_nothing(job):
    plan = plan_of(job, "job.yml")
    environment = plan["environment"]
    assert (environment["kind"], len(environment["fingerprint"])) == ("conda", 64)
    assert environment["name"] == f"azureml_{environment['fingerprint'][:32]}"
    assert environment["conda"] == ["python=3.11", "pip"]
    assert (environment["pip"], environment["channels"]) == (["numpy"], ["conda-forge"])
    assert (plan["cached"], plan["prefix"].endswith(environment["name"])) == (False, True)
    assert (plan["target"], plan["experiment"], plan["timeout_s"], plan["tags"]) == ("local", "my-exp", 60, {"a": "b"})
    assert (plan["nodes"], plan["processes_per_node"], plan["distribution"], len(plan["ranks"])) == (2, 2, "pytorch", 4)
    assert [rank["variables"]["RANK"] for rank in plan["ranks"]] == ["0", "1", "2", "3"]
    assert (plan["display_name"], plan["description"]) == ("A nice one", "words")
    assert plan["source"]["directory"] == os.path.join(job.source, "src")
    notes = "\n".join(plan["notes"])
    assert "ignored, because only Azure ML uses them: resources.instance_type, compute, identity, services" in notes
    assert "the image mcr.microsoft.com/azureml/base:latest is not used on the local target" in notes
    assert "shm_size" in notes
    assert not os.path.isdir(os.path.join(job.home, "runs")) or os.listdir(os.path.join(job.home, "runs")) == []
    assert not os.path.isdir(os.path.join(job.home, "environments"))


def test_plan_as_text_says_the_same_in_lines_for_people(job):
    text = job.command("plan", "job.yml").stdout.decode()
    fingerprint = plan_of(job, "job.yml")["environment"]["fingerprint"]
    for words in (
        "target       local\n", f"             fingerprint {fingerprint}\n", "ranks        4 (2 nodes × 2, pytorch)\n",
        "             conda python=3.11 pip\n", "             pip numpy\n", "time limit   60 s\n", "rank 3       RANK=3 ",
        "every rank   WORLD_SIZE=4 ", "output       model = <run folder>/named-outputs/model\n",
        f"input        copy = {job.source}/data (copied)\n", "note         ignored, because only Azure ML uses them: ",
    ):  # fmt: skip
        assert words in text
    assert "{localrun:" not in text
    assert "\x1b" not in text


def test_job_runs_as_its_plan_says(job):
    plan = plan_of(job, *OWN, "job.yml")
    done = job.run("-q", *OWN, "-o", "results", "job.yml")
    assert done.returncode == 0, done.stderr
    record = job.record()
    folder = record["folder"]
    told, level = job.log(0).decode().splitlines()
    seen = json.loads(told)
    data = os.path.join(job.source, "data")
    assert seen["argv"] == {
        "--lr": "0.1", "--flag": "True", "--data": data, "--copy": f"{folder}/inputs/copy/x.csv", "--file": f"{data}/x.csv",
        "--out": f"{folder}/named-outputs/model", "--report": f"{folder}/named-outputs/report",
    }  # fmt: skip
    assert (level, seen["file"]) == ("level n 0.1", "1,2\n")
    expected = {**plan["variables"], **plan["ranks"][0]["variables"]}
    for name, text in expected.items():
        filled = text.replace("{localrun:run-id}", record["run_id"]).replace("{localrun:run-folder}", folder)
        assert name == "MASTER_PORT" or seen["variables"][name] == filled
    variables = seen["variables"]
    assert (variables["NUM"], variables["YES"], variables["NOTHING"]) == ("3", "True", "")
    assert variables["OUT"] == f"{folder}/named-outputs/model/x"
    assert variables["AZUREML_PARAMETER_url"] == "https://example.com/x"
    assert variables["AZUREML_RUN_ID"] == record["run_id"]
    assert variables["AZUREML_RUN_ID"].startswith("my-exp_")
    with open(os.path.join(job.source, "data", "x.csv"), encoding="utf-8") as file:
        assert file.read() == "1,2\n"  # a copied input is the run's own
    results = os.path.join(job.source, "results")
    assert sorted(os.listdir(results)) == ["model", "report"]
    assert os.listdir(os.path.join(results, "model")) == ["weights"]
    assert (record["tags"], record["display_name"], record["experiment"]) == ({"a": "b"}, "A nice one", "my-exp")


def test_set_changes_the_job_before_it_is_checked(job):
    plan = plan_of(job, *OWN, "--set", "inputs.lr=7", "--set", "resources.instance_count=1", "--nodes", "3", "job.yml")
    assert (plan["variables"]["AZUREML_PARAMETER_lr"], plan["nodes"]) == ("7", 3)
    done = job.command("plan", *OWN, "--set", "limits.timeout=soon", "job.yml")
    assert (done.returncode, b"limits.timeout: expected a whole number" in done.stderr) == (125, True)


def test_time_limit_of_the_job_ends_it_with_124(job):
    job.write("job.yml", "command: sleep 20\nlimits: {timeout: 1}\n")
    assert job.run("-q", *OWN, "job.yml").returncode == 124
    assert job.record()["status"] == "canceled"


def test_fingerprint_stays_when_names_and_variables_change_and_moves_with_the_packages(job):
    first = plan_of(job, "job.yml")["environment"]["fingerprint"]
    job.write("job.yml", JOB.replace("my-exp", "other").replace("NUM: 3", "NUM: 4"))
    assert plan_of(job, "-e", "X=1", "job.yml")["environment"]["fingerprint"] == first
    job.write("job.yml", JOB.replace("numpy", "numpy==2"))
    assert plan_of(job, "job.yml")["environment"]["fingerprint"] != first


def test_plan_refuses_what_run_refuses(job):
    os.symlink("/etc", os.path.join(job.source, "src", "data"))
    done = job.command("plan", "job.yml")
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"lies outside" in done.stderr


def test_single_file_and_no_code_at_all_are_sources(job):
    job.write("job.yml", "command: ls\ncode: ./src/train.py\n")
    assert job.run("-q", *OWN, "job.yml").stdout.split() == [b"logs", b"outputs", b"train.py", b"user_logs"]
    job.write("job.yml", "command: ls\n")
    assert job.run("-q", *OWN, "job.yml").stdout.split() == [b"logs", b"outputs", b"user_logs"]


SHOW = """\
import os, sys
for name in sys.argv[1:]:
    sys.stdout.buffer.write(b"%r\\n" % os.environb.get(name.encode()))
"""


def test_variables_come_in_layers_and_byte_for_byte(localrun):
    localrun.write("show.py", SHOW)
    localrun.write("a.env", 'A= file \nB="q"\nC=$HOME #x\n# comment\n  D=1\nE\nF=x=y\nG=\nI\n')
    localrun.write("b.env", "D=2\nJ=b\n")
    words = (
        "--env-file",
        "a.env",
        "--env-file",
        "b.env",
        "-e",
        "A=new\nline",
        "-e",
        "B2=\"q'=$x ",
        "-e",
        "H",
        "-e",
        "J",
    )
    words += (
        "-e",
        os.fsdecode(b"X=\xff\xfe\t"),
        "show.py",
        *("A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "B2", "X"),
    )
    env = {"A": "outer", "E": "outer", "H": "outer", "AZUREML_RUN_TOKEN": "t"}
    expected = [
        b"new\nline",
        b'"q"',
        b"$HOME #x",
        b"2",
        b"outer",
        b"x=y",
        b"",
        b"outer",
        None,
        None,
        b"\"q'=$x ",
        b"\xff\xfe\t",
    ]
    for _ in range(2):
        done = localrun.run("-q", *words, env=env)
        assert done.stdout.decode().splitlines() == [repr(item) for item in expected], done.stderr
    assert localrun.run("-q", "show.py", "AZUREML_RUN_TOKEN", "A", env=env).stdout == b"None\nb'outer'\n"


def test_flag_is_above_file_is_above_job_is_above_localruns_own_choice(localrun):
    localrun.write("show.py", SHOW)
    localrun.write(
        "job.yml",
        "command: python show.py A B C MLFLOW_TRACKING_URI PYTHONUNBUFFERED\ncode: .\nenvironment_variables: {A: job, B: job, C: job, MLFLOW_TRACKING_URI: 'http://x', PYTHONUNBUFFERED: ''}\n",
    )
    localrun.write("a.env", "A=file\nB=file\n")
    done = localrun.run("-q", *OWN, "--env-file", "a.env", "-e", "A=flag", "job.yml")
    assert done.stdout.split() == [b"b'flag'", b"b'file'", b"b'job'", b"b'http://x'", b"b''"]

from __future__ import annotations

import pytest

from localrun.errors import BadInput
from localrun.formats.job import read_command_job
from localrun.spec import ContainerSpec, DistributionSpec, InputSpec, OutputSpec

BASE = "command: echo\nenvironment: {image: 'python:3'}\n"
FILES = {
    "/p/conda.yml": b"dependencies: [python=3.10]\nprefix: /x\n",
    "/p/envs/env.yml": b"name: e\nimage: python:3\nconda_file: sub/conda.yml\n",
    "/p/envs/sub/conda.yml": b"dependencies: [numpy]\n",
    "/p/context/D": b"FROM a\n",
    "/p/envs/conda_itself.yml": b"dependencies: [numpy]\n",
}


def read(path):
    if path not in FILES:
        raise FileNotFoundError(2, "No such file", path)
    return FILES[path]


def load(text, base=BASE, **more):
    return read_command_job((base + text).encode(), file="/p/job.yml", read=read, **more)


def refused(text, base=BASE, **more):
    with pytest.raises(BadInput) as caught:
        load(text, base, **more)
    return caught.value


@pytest.mark.parametrize("written", ["'--ipc=host -v ./d:/d -e A=1'", "[--ipc=host, '-v ./d:/d', -e, A=1]"])
def test_docker_arguments_are_a_shell_string_or_a_list(written):
    spec = load(f"resources: {{docker_args: {written}}}\n")
    assert spec.container.arguments == ("--ipc=host", "--volume=/p/d:/d")
    assert spec.container.variables == (("A", "1"),)


def test_docker_arguments_with_an_open_quote_are_told_with_their_place():
    error = refused('resources:\n  docker_args: "-v \'/a:/b"\n')
    assert "a quote is not closed" in error.message
    assert error.key == "resources.docker_args"
    assert error.line


def test_a_whole_job_is_read():
    spec = load(
        "$schema: https://x/commandJob.schema.json\ntype: command\ncode: ../src\nname: n\ndisplay_name: d\n"
        "experiment_name: e\ndescription: some text\ntags: {a: b, c: }\nproperties: {x: y}\n"
        "environment_variables: {A: x}\ninputs: {lr: 0.1}\noutputs: {o: {type: uri_file}}\ncompute: azureml:gpu\n"
        "resources: {instance_count: 2, instance_type: Standard_NC6, shm_size: 2g, docker_args: [--ipc=host]}\n"
        "distribution: {type: PyTorch, process_count_per_instance: 4}\nlimits: {timeout: 3600}\n"
        "identity: {type: user_identity}\nqueue_settings: {job_tier: spot}\nservices: {j: {type: jupyter_lab}}\n"
    )
    assert spec.command == "echo"
    assert spec.source_directory == "/src"
    assert (spec.name, spec.display_name, spec.experiment_name, spec.description) == ("n", "d", "e", "some text")
    assert spec.tags == (("a", "b"), ("c", ""))
    assert spec.environment.image == "python:3"
    assert spec.environment_variables == (("A", "x"),)
    assert spec.inputs == (InputSpec(name="lr", value="0.1"),)
    assert spec.outputs == (OutputSpec(name="o", type="uri_file"),)
    assert spec.distribution == DistributionSpec(type="pytorch", processes_per_node=4)
    assert (spec.nodes, spec.timeout_s) == (2, 3600)
    assert spec.cloud_keys == (
        "properties", "compute", "resources.instance_type", "identity", "queue_settings", "services",
    )  # fmt: skip
    assert spec.container == ContainerSpec(shm_size="2g", arguments=("--ipc=host",))
    assert spec.notes == ()
    assert spec.file == "/p/job.yml"
    assert dict(spec.lines)["limits.timeout"] == 18


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1", "1"),
        ("1.0", "1.0"),
        ("1.50", "1.5"),
        ("true", "True"),
        ("no", "False"),
        ("012", "10"),
        ("1:30", "90"),
        ("1e-3", "1e-3"),
        ("1.0e-5", "1e-05"),
        ("0x10", "16"),
        ("'1'", "1"),
        ("''", ""),
        ("https://x/y.csv", "https://x/y.csv"),
        ("two words", "two words"),
        ("{value: 3}", "3"),
        ("{value: 1}", "True"),
        ("{value: 0}", "False"),
        ("{value: 2.7}", "2"),
        ("{value: true}", "True"),
        ("{value: x}", "x"),
        ("{value: '1'}", "1"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ],
)
def test_a_literal_is_the_text_that_azure_ml_puts_on_the_command_line(written, text):
    assert load(f"inputs: {{a: {written}}}").inputs == (InputSpec(name="a", value=text),)


@pytest.mark.parametrize(
    ("written", "noted"), [("no", True), ("012", True), ("{value: 1}", True), ("1e-3", False), ("1.0", False)]
)
def test_a_surprising_reading_is_noted(written, noted):
    spec = load(f"inputs:\n  a: {written}\n")
    assert bool(spec.notes) is noted
    assert all(note.startswith("/p/job.yml:4: inputs.a") for note in spec.notes)


@pytest.mark.parametrize(
    ("written", "text"),
    [("1", "1"), ("true", "True"), ("1.0", "1.0"), ("", ""), ("~", ""), ("x y", "x y"), ("2024-01-01", "2024-01-01")],
)
def test_environment_variables_become_text(written, text):
    assert load(f"environment_variables:\n  A: {written}\n").environment_variables == (("A", text),)


@pytest.mark.parametrize(
    ("written", "spec"),
    [
        ("{path: d}", InputSpec(name="a", type="uri_folder", path="/p/d")),
        ("{path: 'file:./d/../e.csv', type: uri_file}", InputSpec(name="a", type="uri_file", path="/p/e.csv")),
        (
            "{path: 'file:///abs/x', mode: Download}",
            InputSpec(name="a", type="uri_folder", path="/abs/x", mode="download"),
        ),
        ("{path: /abs, type: MLTable, mode: eval_mount}", InputSpec(name="a", type="mltable", path="/abs")),
        ("{path: m, type: mlflow_model, datastore: x}", InputSpec(name="a", type="mlflow_model", path="/p/m")),
        (
            "{path: 'https://x/y', mode: direct, type: uri_file}",
            InputSpec(name="a", type="uri_file", mode="direct", value="https://x/y"),
        ),
        ("{path: d, mode: direct}", InputSpec(name="a", type="uri_folder", mode="direct", value="/p/d", path="/p/d")),
        ("{path: 'a:b.csv'}", InputSpec(name="a", type="uri_folder", path="/p/a:b.csv")),
    ],
)
def test_data_inputs(written, spec):
    assert load(f"inputs: {{a: {written}}}").inputs == (spec,)


def test_outputs():
    spec = load(
        "outputs:\n  a:\n  b: {}\n  c: {type: URI_FILE, mode: upload}\n  d: {path: 'azureml://x', name: m, version: 3}\n"
    )
    assert [(item.name, item.type) for item in spec.outputs] == [
        ("a", "uri_folder"), ("b", "uri_folder"), ("c", "uri_file"), ("d", "uri_folder"),
    ]  # fmt: skip
    assert spec.cloud_keys == ("outputs.d.path", "outputs.d.name", "outputs.d.version")


def test_environments_of_a_job():
    inline = load("", "command: a\nenvironment: {image: i, conda_file: conda.yml}\n")
    assert inline.environment.python.conda == ("python=3.10",)
    assert inline.environment.image == "i"
    assert inline.notes[0].startswith("/p/conda.yml:2: prefix: ignored")
    mapped = load("", "command: a\nenvironment: {conda_file: {dependencies: [x, {pip: [./y]}]}}\n")
    assert mapped.environment.python.pip == ("./y",)
    assert mapped.environment.python.directory == "/p"
    by_file = load("", "command: a\nenvironment: file:envs/env.yml\n")
    assert (by_file.environment.python.conda, by_file.environment.python.directory) == (("numpy",), "/p/envs/sub")


def test_a_given_environment_replaces_what_cannot_be_resolved():
    assert load("", "command: a\nenvironment: azureml:x@latest\n", environment_given=True).environment is None
    assert load("", "command: a\n", environment_given=True).environment is None


def test_expressions_are_checked_and_the_old_form_is_rewritten():
    spec = load(
        "inputs: {x: 1}\noutputs: {o: }\nenvironment_variables: {A: '${{inputs.x}}'}\n",
        "command: a {inputs.x} ${{ outputs.o }}\nenvironment: {image: i}\n",
    )
    assert spec.command == "a ${{inputs.x}} ${{ outputs.o }}"


def test_overrides_come_before_the_checks():
    more = (
        ("inputs.lr", "0.5"),
        ("inputs.s", '"3"'),
        ("limits.timeout", "9"),
        ("command", "run ${{inputs.lr}}"),
        ("tags.a", "x: [y"),
    )
    spec = load("inputs: {lr: 1}\n", overrides=more)
    assert [(item.name, item.value) for item in spec.inputs] == [("lr", "0.5"), ("s", "3")]
    assert (spec.timeout_s, spec.command, spec.tags) == (9, "run ${{inputs.lr}}", (("a", "x: [y"),))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (("environment.image.x", "1"), "it leads through the text 'python:3'"),
        (("", "1"), "not a dotted name"),
        (("a..b", "1"), "not a dotted name"),
        (("limits.timout", "1"), "unknown key"),
        (("limits.timeout", "x"), "expected a whole number"),
        (("name", "3"), "expected text"),
        (("name", "'a"), ""),
        (("name", "'a' 'b'"), "not valid YAML"),
        (("name", "\0"), "NUL"),
        (("name", "9" * 2000), "a number of 2,000"),
        ((".".join("a" * 60), "1"), "not a dotted name"),
    ],
)
def test_bad_overrides_are_refused(override, words):
    if words:
        assert words in str(refused("", overrides=(override,)))
    else:
        assert load("", overrides=(override,)).name == "'a"


@pytest.mark.parametrize(
    ("text", "line", "key", "words", "hint"),
    [
        ("comand: x", 3, "comand", "unknown key", "did you mean command?"),
        ("x-foo: x", 3, "x-foo", "unknown key", "known here: $schema"),
        ("additional_includes: [x]", 3, "additional_includes", "unknown key", ""),
        ("type: pipeline", 3, "type", "a job of type pipeline is not run here yet", ""),
        ("type: Command", 3, "type", "expected the type of a job", "did you mean command?"),
        ("type: null", 3, "type", "expected the type of a job, found nothing", "type: command"),
        ("jobs: {}", 3, "jobs", "a pipeline is not run here yet", ""),
        ("trial: {}", 3, "trial", "a sweep is not run here yet", ""),
        ("display_name: 3.10", 3, "display_name", "3.10 was read as the number 3.1", '"3.10"'),
        ("name: true", 3, "name", "found the truth value true", '"true"'),
        ("description:", 3, "description", "found nothing", ""),
        ("tags: {a: 1}", 3, "tags.a", "found the number 1", '"1"'),
        ("tags: [a]", 3, "tags", "expected a mapping, found a list", ""),
        ("code: azureml:c:1", 3, "code", "is not a local path", "download"),
        ("code: git+https://x/y", 3, "code", "is not a local path", ""),
        ("code: file:src", 3, "code", "is not a local path", "without file:"),
        ("code: [a]", 3, "code", "expected text", ""),
        ("inputs: [a]", 3, "inputs", "expected a mapping", ""),
        ("inputs:", 3, "inputs", "found nothing", ""),
        ("inputs:\n  a:", 4, "inputs.a", "expected a value, found nothing", "''"),
        ("inputs: {a: [1]}", 3, "inputs.a", "expected a value, found a list", ""),
        ("inputs: {a: .inf}", 3, "inputs.a", ".inf is not a finite number", "quotes"),
        ("inputs: {a: .nan}", 3, "inputs.a", ".nan is not a finite number", ""),
        ("inputs: {a: 2024-01-01}", 3, "inputs.a", "read as a date", ""),
        ("inputs: {a-b: 1}", 3, "inputs.a-b", "cannot be the name", ""),
        ("inputs: {1a: 1}", 3, "inputs.1a", "cannot be the name", ""),
        ('inputs: {"a\\n": 1}', 3, "inputs.a\n", "cannot be the name", ""),
        ("inputs: {a: {value: null}}", 3, "inputs.a.value", "found nothing", ""),
        ("inputs: {a: {value: 1, type: x}}", 3, "inputs.a.type", "unknown key", ""),
        ("inputs: {a: {}}", 3, "inputs.a", "expected a path", ""),
        ("inputs: {a: {path: 3}}", 3, "inputs.a.path", "expected text", ""),
        ("inputs: {a: {path: 'file:'}}", 3, "inputs.a.path", "is empty", ""),
        ("inputs: {a: {path: x, mode: rw_mount}}", 3, "inputs.a.mode", "expected one of ro_mount", ""),
        ("inputs: {a: {path: x, mode: eval_mount}}", 3, "inputs.a.mode", "expected one of", ""),
        ("inputs: {a: {path: x, type: uri_fil}}", 3, "inputs.a.type", "expected one of", "did you mean uri_file?"),
        ("inputs: {a: {path: x, optional: true}}", 3, "inputs.a.optional", "unknown key", ""),
        ("inputs: {a: {path: 'azureml:x:1'}}", 3, "inputs.a.path", "is not on this machine", "mode: direct"),
        ("inputs: {a: {path: 'wasbs://x/y'}}", 3, "inputs.a.path", "only local paths", ""),
        ("inputs: {a: {path: 'azureml:x:1', mode: direct}}", 3, "inputs.a.path", "only Azure ML knows", ""),
        ("inputs: {a: {path: '${{parent.inputs.x}}'}}", 3, "inputs.a.path", "has no meaning", "pipeline"),
        ("outputs: {a: x}", 3, "outputs.a", "expected a mapping", ""),
        ("outputs: {a: {type: string}}", 3, "outputs.a.type", "expected one of", ""),
        ("outputs: {a-b: }", 3, "outputs.a-b", "cannot be the name", ""),
        ("environment_variables: [A=1]", 3, "environment_variables", "expected a mapping", ""),
        ("environment_variables: {A: [1]}", 3, "environment_variables.A", "found a list", ""),
        ("environment_variables: {A=B: 1}", 3, "environment_variables.A=B", "cannot be the name", ""),
        ("environment_variables: {A: '${{inputs.x}}'}", 3, "environment_variables.A", "refers to nothing", ""),
        ("distribution: {type: horovod}", 3, "distribution.type", "expected one of pytorch", ""),
        (
            "distribution: {type: pytorch, process_count: 1}",
            3,
            "distribution.process_count",
            "unknown key",
            "process_count_per_instance",
        ),
        ("distribution: {process_count_per_instance: 1}", 3, "distribution", "expected the key type", ""),
        (
            "distribution: {type: pytorch, process_count_per_instance: 0}",
            3,
            "distribution.process_count_per_instance",
            "from 1 to",
            "",
        ),
        (
            "distribution: {type: pytorch, process_count_per_instance: true}",
            3,
            "distribution.process_count_per_instance",
            "whole number",
            "",
        ),
        (
            "distribution: {type: tensorflow, process_count_per_instance: 1}",
            3,
            "distribution.process_count_per_instance",
            "unknown key",
            "",
        ),
        ("distribution: {type: tensorflow, worker_count: 0}", 3, "distribution.worker_count", "without workers", ""),
        ("distribution: null", 3, "distribution", "found nothing", ""),
        (
            "resources: {instance_count: two}",
            3,
            "resources.instance_count",
            "expected a whole number, found the text 'two'",
            "",
        ),
        ("resources: {instance_count: 1e9}", 3, "resources.instance_count", "whole number", ""),
        ("resources: {instance_count: 99999999999999999999999}", 3, "resources.instance_count", "from 1 to", ""),
        ("resources: {shm_size: 2048}", 3, "resources.shm_size", "expected text", '"2048"'),
        ("resources: {gpus: 1}", 3, "resources.gpus", "unknown key", ""),
        ("limits: {timeout: -1}", 3, "limits.timeout", "from 0 to", ""),
        ("limits: {timeout: 1.5}", 3, "limits.timeout", "expected a whole number, found the number 1.5", ""),
        ("limits: {timeout: .nan}", 3, "limits.timeout", "expected a whole number, found the number nan", ""),
        ("limits: {timeouts: 1}", 3, "limits.timeouts", "unknown key", "did you mean timeout?"),
        ("display_name: a\ndisplay_name: b", 4, "", "in line 3 and in line 4", ""),
    ],
)
def test_bad_jobs_are_refused_with_place_and_hint(text, line, key, words, hint):
    error = refused(text)
    assert words in error.message
    assert error.hint
    assert hint in error.hint
    assert (error.file, error.line, error.key) == ("/p/job.yml", line, key)


@pytest.mark.parametrize(
    ("text", "key", "words", "hint"),
    [
        ("environment: {image: i}", "command", "needs the key command", ""),
        ("command: a", "environment", "needs the key environment", ""),
        ("command: [a]\nenvironment: {image: i}", "command", "expected text, found a list", ""),
        ("command: ' '\nenvironment: {image: i}", "command", "the command is empty", "such as python train.py"),
        ("command: a\nenvironment: azureml:e@latest", "environment", "there is no environment e@latest", "-E"),
        ("command: a\nversion: 1\nenvironment: {image: i}", "", "this is a component, not a job", "write a job"),
        ("component: ./train.yml\ninputs: {a: 1}", "component", "a component is not run here", "into the job"),
        ("command: a\nenvironment: e:1", "environment", "is not an environment", "-E"),
        ("command: a\nenvironment: ./env.yml", "environment", "is not an environment", "write file:./env.yml"),
        ("command: a\nenvironment: file:nope.yml", "environment", "there is no file nope.yml", ""),
        ("command: a\nenvironment: file:envs/conda_itself.yml", "", "belong into a conda file", "conda_file:"),
        ("command: a\nenvironment: 3", "environment", "found the number 3", ""),
        ("command: a\nenvironment:", "environment", "found nothing", ""),
        ("command: a\nenvironment: {}", "environment", "expected image or conda_file", ""),
        (
            "command: a\nenvironment: {image: i, environment_variables: {}}",
            "environment.environment_variables",
            "unknown key",
            "",
        ),
        ("command: a ${{inputs.x}}\nenvironment: {image: i}", "command", "refers to nothing", "the job has no inputs"),
        ("", "", "the file is empty", ""),
        ("---", "", "the file is empty", "a command job needs"),
        ("[a]", "", "expected a mapping, found a list", ""),
        ("name: e\nimage: i", "", "this is an environment, not a job", "localrun run -E /p/job.yml train.py"),
        ("channels: [c]\ndependencies: [python]", "", "this is an environment, not a job", "-E /p/job.yml"),
    ],
)
def test_jobs_without_what_they_need_are_refused(text, key, words, hint):
    error = refused("", text)
    assert words in error.message
    assert hint in error.hint
    assert error.key == key


def test_registered_environment_of_a_job_is_found_and_a_missing_version_has_a_place():
    from localrun.errors import EnvironmentNotFound

    def find(reference):
        if reference.endswith(":9"):
            raise EnvironmentNotFound("environment e has no version 9", hint="list them")
        return {"name": "e", "environmentVariables": {}, "python": {"condaDependencies": {"dependencies": ["python"]}}}

    job = b"command: a\nenvironment: azureml:e:%d\n"
    assert read_command_job(job % 1, file="j.yml", read=None, find_registered=find).environment.name == "e"
    with pytest.raises(BadInput, match=r"j\.yml:2: environment: environment e has no version 9"):
        read_command_job(job % 9, file="j.yml", read=None, find_registered=find)


def test_registered_environment_of_a_job_may_be_built_from_a_folder():
    docker = {"buildContext": {"location": "/p/context", "dockerfilePath": "D"}}
    found = load(
        "environment: azureml:built\n",
        "command: echo\n",
        find_registered=lambda _: {"name": "built", "python": {}, "docker": docker, "environmentVariables": {}},
    )
    assert (found.environment.build.dockerfile, found.environment.build.context) == ("FROM a\n", "/p/context")

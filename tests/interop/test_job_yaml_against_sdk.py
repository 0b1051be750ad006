"""What localrun reads from a job YAML, held against azure-ai-ml itself.

The SDK runs in a venv of its own. It loads every file and gives the request that it would send; no network.
"""

from __future__ import annotations

import os
import random
from itertools import product

import pytest
from oracle_kit import Oracle

from localrun.errors import BadInput
from localrun.formats.job import read_command_job

ORACLE = """
import json, logging, sys, warnings
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from azure.ai.ml import load_job

def load(path):
    job = load_job(path)._to_job()
    environment, job.environment = job.environment, "azureml:x:1"
    request = job._to_rest_object()
    found = json.loads(json.dumps(request.as_dict() if hasattr(request, "as_dict") else request, default=str))
    if not isinstance(environment, str):
        environment.validate() if hasattr(environment, "validate") else None
        image, conda, build = environment.image, environment.conda_file, environment.build
        if (image is None) == (build is None):
            raise ValueError("image or build")
        found["environment"] = {"image": image, "conda": conda}
    return found

for line in sys.stdin:
    try:
        answer = {"job": load(json.loads(line))}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
    print(json.dumps(answer, default=str), flush=True)
"""
BASE = {"command": "command: echo", "environment": "environment: {image: 'python:3.11'}"}

# key -> what to write under it
AGREED = {
    "inputs": [
        "{a: 1, b: 1.0, c: true, d: no, e: 012, f: 1e3, g: 1_000, i: '1', l: 1e-05, m: 1.50, n: 0x10, o: 1:30}",
        "{a: http://x/y, b: '', c: two words, d: 0.00001, e: 1.0e+20, f: 123456789012345678901234567890, g: .5, h: ON}",
        "{a: {value: 3}, b: {value: 1}, c: {value: 0}, d: {value: 1.0}, e: {value: 2.7}, f: {value: x}, g: {value: no}}",
        "{a: {path: ./d}, b: {type: uri_file, path: ./x.csv, mode: DOWNLOAD}, c: {type: URI_FOLDER, path: /abs}}",
        "{d: {type: mltable, path: ./t, mode: eval_mount}, e: {type: mlflow_model, path: ./m}, f: {path: x, datastore: y}}",
        "{a: {type: uri_file, path: 'https://x/y', mode: direct}}",
        "{a: &a {type: uri_file, path: ./x}, b: {<<: *a, mode: download}}",
        "{a: [1]}", "{a: null}", "{a: .inf}", "{a: .nan}", "{a: 2024-01-01}", "[1]", "null", "x", "{}",
        "{a: {path: x, foo: 1}}", "{a: {path: x, optional: true}}", "{a: {type: string, value: x}}", "{a: {value: null}}",
        "{a: {path: 3}}", "{a: {type: uri_folder, path: x, mode: eval_mount}}", "{a: {path: x, mode: rw_mount}}",
        "{a: 1., b: .1, c: 1.e5, d: 1.e+5, e: 1.5e5, f: +.5, g: 1E+3, h: ._5, i: 1._5, j: .5.5, k: 1e, l: --1, m: 1.2.3}",
        "{a: 0O17, b: 017, c: 0X1F, d: +1, e: -0, f: +0x1, g: 1_000.5, h: _1, i: 1_, j: 0_7, k: 0x_1, l: 12:30:45, m: 190:20:30, n: -1:30}",
        "{a: y, b: n, c: On, d: oFF, e: tRUE, f: Null2, g: '~', h: ' ', i: '\\t', j: 1:60, k: 01:30}", "{a: {value: [1]}}", "{a: {value: {b: 1}}}",
        "{a: 2024-01-01T00:00:00Z}", "{a: 2024-1-1}", "{a: 24-01-01}", "{a: 2001-12-14 21:59:43.10 -5}", "{a: {value: 2024-01-01}}", "{a: -.inf}",
        "{a: 1.7976931348623157e+308, b: 5.0e-324, c: 1.0e-400, d: 123456789.123456789, e: 1.10, f: 100000000000000000.0, g: 1.0e+16}",
        "{A: 1, a: 2}", "{é: 1}", "{a b: 1}", "{'': 1}", "{path: x, PATH: y}", "{a: {type: string}}", "{a: {type: integer, default: 3, min: 1}}",
        "{a: {type: uri_file, path: x, mode: null}}", "{a: {type: null, path: x}}", "{a: {path: ..}}", "{a: {path: ~/x}}", "{a: azureml:x:1}",
        "{a: {type: uri_folder, path: 'wasbs://c@a.blob.core.windows.net/p', mode: direct}}", "{a: {type: uri_file, path: x, description: d}}",
        "{a: {type: uri_fil, path: x}}", "{a.b: 1}", "{a-b: 1}", "{1a: 1}", "{_a: 1}",
    ],
    "outputs": [
        "{a: , b: {}, c: {type: uri_file, mode: upload}, d: {path: ./x}, e: {name: n, version: 3}, f: {mode: mount}}",
        "{a: {type: MLTABLE}}", "{a: {foo: 1}}", "{a: x}", "{a: {type: string}}", "{a: {mode: ro_mount}}", "null", "[a]",
    ],
    "environment_variables": [
        "{A: 1, B: true, D: 1.0, E: x, F: 1e3, G: '', I: 012, J: yes, K: 1e-3}", "{A: 2024-01-01}",
        "[A=1]", "null", "x", "{}",
    ],
    "distribution": [
        *(f"{{type: {kind}}}" for kind in ("pytorch", "PyTorch", "mpi", "tensorflow", "ray", "horovod")),
        *(f"{{type: pytorch, process_count_per_instance: {n}}}" for n in ("4", "'4'", "4.0", "010", "true", "null", "''", "' 4 '", "x")),
        "{type: mpi, process_count_per_instance: 2}", "{type: tensorflow, worker_count: 2, parameter_server_count: 1}",
        "{type: mpi, node_count: 3}", "{type: tensorflow, worker_count: null}", "{type: null}", "{type: 3}", "[pytorch]", "{type: py_torch}",
        "{type: pytorch, process_count_per_instance: 0x2}", "{type: ray, port: '3', include_dashboard: 'true'}", "{type: ray, include_dashboard: yes}",
        "{type: tensorflow, process_count_per_instance: 1}", "{type: pytorch, x: 1}", "{process_count_per_instance: 1}",
        "null", "pytorch", "{type: ray, port: 3, include_dashboard: true}",
    ],
    "resources": [
        "{instance_count: '2', instance_type: a, shm_size: 2g, docker_args: [a], locations: [x], max_instance_count: 3}",
        "{instance_count: 2.0}", "{instance_count: 3, docker_args: '--ipc=host'}", "null", "{instance_count: null}",
        "{instance_count: '010'}", "{instance_count: 010}", "{instance_count: true}", "{instance_count: ' 2 '}", "{shm_size: null}", "{docker_args: ''}",
        "{docker_args: null}", "{docker_args: [1]}", "{instance_type: null}", "[a]", "{instance_count: '${{inputs.a}}'}",
        "{foo: 1}", "{shm_size: 2048}", "{instance_type: [a]}", "{docker_args: 3}", "{}",
    ],
    "limits": ["{timeout: '60'}", "{timeout: 90}", "{timeout: 0}", "{timeout: null}", "{timeouts: 3}", "null", "{}"],
    "tags": ["{a: x, b: null}", "{a: 1}", "{a: true}", "null", "[a]"],
    "properties": ["{a: x}", "{a: 1}", "null"],
    **{
        name: ["x y", "'1'", "1", "null", "true", "[a]"]
        for name in ("name", "display_name", "experiment_name", "description", "parent_job_name")
    },
    "command": ["|\n  a\n  b\n", ">-\n  a\n  b\n", "1", "null", "[a]", "echo {inputs.a}"],
    "code": [".", "/tmp", "file:src", "[a]", "3", "null", "http://x/y"],
    "type": ["command", "Command", "foo", "null", "1"],
    "compute": ["local", "gpu", "azureml:gpu", "serverless"],
    "identity": ["{type: user_identity}", "{type: managed, client_id: x}"],
    "queue_settings": ["{job_tier: spot, priority: low}"],
    "services": ["{a: {type: jupyter_lab}, b: {type: foo}}"],
    "environment": [
        "{image: 'python:3'}", "{image: 'python:3', conda_file: conda.yml}", "{image: 'python:3', conda_file: nope.yml}",
        "{image: 'python:3', conda_file: {dependencies: [python]}}", "file:env.yml", "file:nope.yml", "./env.yml", "e:1", "3",
        "[1]", "null", "{}", "{name: x, version: 3, image: 'p:3'}", "{image: 'p:3', foo: 1}", "{image: 3}",
        "{image: 'p:3', environment_variables: {A: b}}", "{channels: [x], dependencies: [python]}", "file:conda.yml",
        "{image: 'p:3', os_type: linux}", "{image: 'p:3', conda_file: 3}", "{image: 'p:3', conda_file: file:conda.yml}",
        "{image: 'p:3', description: x, tags: {a: b}}",
    ],
    **{name: ["x"] for name in ("creation_context", "status", "id", "log_files", "$schema", "additional_includes", "x-foo")},
}  # fmt: skip

# whole files, in every way that YAML may be written; `E` stands for the line of an environment
FORMS = (
    "\ufeffcommand: echo\nE\n", "command: echo\r\nE\r\n", "command: echo\rE\r", "---\ncommand: echo\nE\n...\n",
    "%YAML 1.2\n---\ncommand: echo\nE\n", "command: echo\nE\ndescription: é☃🚀\n", "command:\techo\t\nE\n", "", "# x\n", "- a\n", "x\n",
    "command: |\n  a\n  \tb\nE\n", "command: echo\nE\n---\ncommand: b\nE\n", "command: echo\n\tE\n", "command: &c echo\ndescription: *c\nE\n",
    "command: c\nE\nenvironment_variables: &e {A: x, B: y}\ntags: {<<: *e, B: z}\n", "base: &b {A: 1}\ncommand: c\nE\n",
    "command: c\nE\nproperties: &f {C: d}\nenvironment_variables: &e {A: x}\ntags: {<<: [*e, *f], B: z}\n",
    "command: c\nE\nenvironment_variables: &e {A: x}\ntags: {A: z, <<: *e}\n", "command: >\n  a\n  b\n\n  c\nE\n", "command: |+\n  a\n\n\nE\n",
    "command: |2\n    a\n  b\nE\n", "command: a\n  b\n  c\nE\n", 'command: "a\\\n  b\\n c"\nE\n', "command: 'it''s\n\n  b'\nE\n",
    "? command\n: echo\n? environment\n: {image: 'p:3'}\n", "{command: echo, E}", '{"command": "echo", E, "inputs": {"a": 1, "b": true}}',
    "command: c\nE\ninputs: {a: !!str 1, b: !!int '3', c: !!float '1', d: !!bool 'true'}\n", "command: c\nE\ninputs: {a: !foo x}\n",
    "command: c\nE\ninputs: {a: !!python/none x}\n", "command: c\nE\ninputs: {1: x}\n", "command: c\nE\ninputs: {~: x}\n", "command: c\nE\ntags: *x\n",
    'command: c\nE\ndescription: "a\\x07b\\U0001F600"\n', "command: c\nE\ndescription: a\x07b\n", "command: c\nE\ndescription: a\xa0b\ufeffc\n",
    *(f"command: c\nE\ndescription: {text}\n" for text in ("a: b", "a #b", "%a", "@a", "?a", "-a", "!a b", "&a", "|a", '"a" b', "`a", ",a", "[a")),
    "command: c\nE\ninputs: {a: " + "9" * 400 + "}\n", "command: c\nE\ninputs: {a: 1.0e+400}\n", "command: c\nE\ndescription: " + "x" * 70_000 + "\n",
)  # fmt: skip

# Where localrun says no and the SDK does not: the service, or the run, would fail later, or there is nothing to read here.
STRICTER = {
    "inputs": ["{a: {}}", "{a: {type: uri_file}}", "{a: {path: 'azureml:x:1'}}", "{a: {path: '${{parent.inputs.x}}'}}"],
    "distribution": [f"{{type: pytorch, process_count_per_instance: {n}}}" for n in ("0", "-1", "4.7")],
    "resources": ["{instance_count: 0}", "{instance_count: -1}"],
    "limits": ["{timeout: -1}", "{timeout: 1.5}"],
    "environment_variables": ["{A: [1]}", "{A: {b: 1}}", "{1: x}", "{A: '${{inputs.x}}'}"],
    "environment": ["azureml:e:1", "azureml:e@latest"],
    "code": ["azureml:c:1", "git+https://x/y"],
    "command": ["echo ${{ inputs.nope }}", "echo ${{outputs.nope}}", "echo ${{parent.inputs.x}}"],
}

# Where the SDK says no and localrun does not: what only the cloud reads, and a conda file that needs no image here.
LOOSER = {
    "identity": ["{type: x}"],
    "queue_settings": ["{job_tier: foo}"],
    "services": ["x"],
    "compute": ["null", "3"],
    "environment": ["{conda_file: conda.yml}"],
    "tags": ["{a: yes}"],
    "display_name": ["yes", "2024-01-01"],  # text in YAML 1.2
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.10]\n")
    (tmp_path / "env.yml").write_text("name: n\nimage: python:3\nconda_file: conda.yml\n")
    (tmp_path / "ctx").mkdir()
    (tmp_path / "ctx" / "Dockerfile").write_text("FROM x\n")
    return tmp_path


def write(folder, cases):
    paths = []
    for number, case in enumerate(cases):
        lines = [
            *(text for key, text in BASE.items() if key not in case),
            *(f"{key}: {text}" for key, text in case.items()),
        ]
        path = folder / f"job{number}.yml"
        path.write_text("\n".join(lines) + "\n")
        paths.append(str(path))
    return paths


@pytest.fixture(scope="module")
def sdk(oracle_v2, tmp_path_factory):
    """Give an azure-ai-ml that loads files by their paths."""
    with Oracle(oracle_v2, ORACLE, tmp_path_factory.mktemp("azure-ai-ml")) as one:
        yield one


def read(path):
    with open(path, "rb") as file:
        return file.read()


def load(path):
    try:
        return read_command_job(read(path), file=path, read=read)
    except BadInput:
        return None


def of_sdk(job, folder):
    """Give the SDK's request in the terms of a RunSpec."""
    job = job["properties"]
    modes = {"ReadOnlyMount": "ro_mount", "EvalMount": "ro_mount", "EvalDownload": "download", "Download": "download"}
    inputs = {}
    for name, item in (job.get("inputs") or {}).items():
        kind = item["jobInputType"]
        mode = item.get("mode") or "ReadOnlyMount"
        if kind == "literal":
            inputs[name] = (kind, item["value"], "ro_mount")
        else:
            uri = item["uri"] if "://" in item["uri"] else os.path.normpath(os.path.join(folder, item["uri"]))
            inputs[name] = (kind, uri, modes.get(mode, "direct"))
    distribution = job.get("distribution") or {}
    timeout = (job.get("limits") or {}).get("timeout") or "PT0S"
    return {
        "command": job["command"],
        "inputs": inputs,
        "outputs": {name: item["jobOutputType"] for name, item in (job.get("outputs") or {}).items()},
        "distribution": (distribution.get("distributionType") or "none").lower(),
        "processes": distribution.get("processCountPerInstance") or 1,
        "nodes": (job.get("resources") or {}).get("instanceCount") or 1,
        "timeout": {"PT0S": 0, "PT1M": 60, "PT1M30S": 90}[timeout],
        "variables": {name: str(value) for name, value in (job.get("environmentVariables") or {}).items()},
        "tags": {name: value or "" for name, value in (job.get("tags") or {}).items()},
        "description": job.get("description") or "",
    }


def of_localrun(spec):
    return {
        "command": spec.command,
        "inputs": {item.name: (item.type, item.path or item.value, item.mode) for item in spec.inputs},
        "outputs": {item.name: item.type for item in spec.outputs},
        "distribution": spec.distribution.type,
        "processes": spec.distribution.processes_per_node,
        "nodes": spec.nodes,
        "timeout": spec.timeout_s,
        "variables": dict(spec.environment_variables),
        "tags": dict(spec.tags),
        "description": spec.description,
    }


def flatten(table):
    return [{key: text} for key, texts in table.items() for text in texts]


def test_localrun_takes_and_refuses_what_azure_ai_ml_does_and_reads_the_same(sdk, folder):
    cases = [case for case in flatten(AGREED) if "{inputs.a}" not in str(case)]
    cases += [
        {"command": f"a {text}", "inputs": "{a: 1}", "outputs": "{o: }"}
        for text in (
            "${{inputs.a}}${{outputs.o}}",
            "${{ inputs.a }}",
            "{inputs.a} {outputs.o}",
            "${{inputs.nope}}",
            "$[[ ${{inputs.a}} ]]",
            "${inputs.a} {inputs.a }",
        )
    ]
    paths = write(folder, cases)
    differences = []
    for case, path, answer in zip(cases, paths, sdk.ask(paths), strict=True):
        spec = load(path)
        if (spec is None) != ("error" in answer):
            differences.append((case, answer))
        elif spec is not None and of_localrun(spec) != of_sdk(answer["job"], str(folder)):
            differences.append((case, of_localrun(spec), of_sdk(answer["job"], str(folder))))
    assert differences == []


def test_files_of_every_form_are_read_the_same(sdk, folder):
    paths = []
    for number, form in enumerate(FORMS):
        path = folder / f"form{number}.yml"
        line = '"environment": {"image": "p:3"}' if '"command"' in form else "environment: {image: 'p:3'}"
        path.write_bytes(form.replace("E", line, 1).encode())
        paths.append(str(path))
    for form, path, answer in zip(FORMS, paths, sdk.ask(paths), strict=True):
        spec = load(path)
        assert (spec is None) == ("error" in answer), (form, answer)
        assert spec is None or of_localrun(spec) == of_sdk(answer["job"], str(folder)), form


def test_generated_jobs_are_read_the_same(sdk, folder):
    chance = random.Random(7)
    scalars = ["1", "-1", "0", "1.0", "2.50", "1e3", "1e-3", "1.0e-3", "no", "Yes", "off", "true", "False", "x", "'no'", "012", "0o17",
               "0b11", "0x1F", "1_000", "1:30", "08", "y", "''", "+3", ".5", "-.5", "1.", "a b", '"1.0"', "1__0", "5e+3", "00"]  # fmt: skip
    kinds = ["uri_file", "uri_folder", "mltable", "custom_model", "Uri_File"]
    cases = []
    for _, mode, kind in product(range(8), ["", "ro_mount", "download", "Direct"], kinds):
        inputs = [f"l{n}: {chance.choice(scalars)}" for n in range(3)]
        inputs.append(f"v: {{value: {chance.choice(scalars)}}}")
        inputs.append(
            f"d: {{type: {kind}, path: {chance.choice(('x', './x/y', '../z', '/abs/x'))}{mode and ', mode: ' + mode}}}"
        )
        chance.shuffle(inputs)
        variables = ", ".join(f"V{n}: {chance.choice(scalars)}" for n in range(3))
        cases.append({
            "inputs": "{" + ", ".join(inputs) + "}",
            "environment_variables": "{" + variables + "}",
            "resources": f"{{instance_count: {chance.choice(('1', '2', chr(39) + '3' + chr(39), '4.0', '010', '1_0'))}}}",
            "distribution": f"{{type: {chance.choice(('pytorch', 'mpi', 'MPI'))}, process_count_per_instance: {chance.choice('1248')}}}",
        })  # fmt: skip
    paths = write(folder, cases)
    for case, path, answer in zip(cases, paths, sdk.ask(paths), strict=True):
        spec = load(path)
        assert spec is not None, case
        assert "error" not in answer, (case, answer)
        assert of_localrun(spec) == of_sdk(answer["job"], str(folder)), case


def test_differences_are_those_that_are_meant(sdk, folder):
    cases = flatten(STRICTER) + flatten(LOOSER)
    paths = write(folder, cases)
    for number, (case, path, answer) in enumerate(zip(cases, paths, sdk.ask(paths), strict=True)):
        strict = number < len(flatten(STRICTER))
        assert (load(path) is None, "error" in answer) == (strict, not strict), (case, answer)


def test_the_environment_is_the_same(sdk, folder):
    cases = [
        {"environment": text} for text in ("file:env.yml", "{image: 'a:1', conda_file: conda.yml}", "{image: 'b:2'}")
    ]
    paths = write(folder, cases)
    for path, answer in zip(paths, sdk.ask(paths), strict=True):
        found = load(path).environment
        conda = (answer["job"]["environment"]["conda"] or {}).get("dependencies")
        assert found.image == answer["job"]["environment"]["image"]
        assert (list(found.python.conda) if found.python else None) == conda

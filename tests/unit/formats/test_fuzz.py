"""Whatever the bytes are: a value, or BadInput; nothing else, and soon."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localrun.errors import BadInput
from localrun.formats.conda_file import read_conda_file
from localrun.formats.env_file import read_env_file
from localrun.formats.environment import read_environment
from localrun.formats.expressions import substitute
from localrun.formats.job import read_command_job
from localrun.formats.json_text import load_json
from localrun.formats.requirements import read_requirements

JOB = b"""$schema: x
type: command
command: python t.py ${{inputs.lr}} ${{ outputs.o }} $[[ x ]]
code: ./src
environment: {image: "python:3", conda_file: {channels: [c], dependencies: [python=3.10, {pip: [a, -r r.txt]}]}}
environment_variables: {A: 1, B: yes, C: ~, D: 1e-3, E: 'q "x"'}
inputs:
  lr: 0.1
  n: {value: 3}
  d: &d {type: uri_file, path: file:./d.csv, mode: ro_mount}
  e: {<<: *d, mode: direct}
outputs: {o: , p: {type: uri_folder}}
resources: {instance_count: "2", shm_size: 2g}
distribution: {type: pytorch, process_count_per_instance: 4}
limits: {timeout: 60}
tags: {a: b}
"""
CONDA = b"""name: n
channels: [conda-forge]
dependencies:
  - python=3.10
  - conda-forge::numpy>=1.26
  - pip:
    - -r r.txt
    - "x[y]==1.0 ; python_version < '3.12'"
variables: {A: 1}
"""
REQUIREMENTS = b"a==1 \\\n --hash=sha256:00\n-r r.txt\n-c c.txt # x\n--index-url https://x\n"
VARIABLES = b"A=1\nB\n# c\nC=a=b\r\n"
JSON = b'{"a": [1, 2.5, true, null, "x\\u00e9"], "b": {"c": -1e3}}'
WORDS = [
    b"~", b"null", b"[]", b"{}", b"- ", b": ", b"\t", b"\0", b"\xff", b"\xef\xbb\xbf", b"---\n", b"&a ", b"*a", b"!!str ", b"!x ",
    b"<<: ", b"? ", b"| ", b"> ", b"'", b'"', b"${{", b"}}", b"inputs.", b".nan", b"-.inf", b"1e999", b"0x", b"9" * 60, b"\n", b"%",
    b"\\", b"\\ud800", b"#", b"\xf0\x9f\x98\x80", b"\xe2\x80\xa8", b"\x85", b"@", b"`", b",", b"]", b"}", b"1:30", b"2024-01-01", b"=",
]  # fmt: skip


def read(path):
    if path.endswith("r.txt"):
        return b"b\n-r s.txt\n"
    if path.endswith("d.yml"):
        raise IsADirectoryError(21, "is a directory")
    raise FileNotFoundError(2, "no such file")


READERS = {
    JOB: lambda data: read_command_job(data, file="/p/j.yml", read=read, overrides=(("inputs.x", "1"),)),
    CONDA: lambda data: read_conda_file(data, file="/p/c.yml", read=read),
    REQUIREMENTS: lambda data: read_requirements(data, file="/p/q.txt", read=read),
    VARIABLES: lambda data: read_env_file(data, file="v"),
    JSON: lambda data: load_json(data, file="j.json"),
}


def holds(action, *arguments, **more):
    """Tell whether a call gives a value; the only other thing that it may do is BadInput, with a hint."""
    try:
        action(*arguments, **more)
    except BadInput as error:
        refused = error
    else:
        return True
    assert refused.hint, refused
    return False


def mutated(seed, chance):
    data = bytearray(seed)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at:at] = chance.choice(WORDS)
            case 1:
                del data[at : at + chance.randrange(1, 12)]
            case 2:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                lines = bytes(data).split(b"\n")
                lines.insert(chance.randrange(len(lines)), chance.choice(lines))
                data = bytearray(b"\n".join(lines))
    return bytes(data)


def test_a_thousand_mutated_files_give_a_value_or_bad_input():
    chance = random.Random(20)
    given = 0
    for turn in range(1000):
        seed = (JOB, CONDA, REQUIREMENTS, VARIABLES, JSON)[turn % 5]
        given += holds(READERS[seed], mutated(seed, chance))
    assert 100 < given < 900  # so neither is what the mutations never come to


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 70_000)
    | st.floats()
    | st.text("ax.:/ {}$\0\né~", max_size=8)
    | st.sampled_from(["file:r.yml", "azureml:x:1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aptyevalu", max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "type",
        "command",
        "code",
        "environment",
        "environment_variables",
        "inputs",
        "outputs",
        "resources",
        "distribution",
        "limits",
        "tags",
        "name",
    ]
)


@QUICK
@given(st.dictionaries(KEYS, DATA, max_size=5))
def test_jobs_of_any_shape_give_a_value_or_bad_input(data):
    import json

    base = {"command": "a", "environment": {"image": "i"}}
    assert holds(READERS[JOB], json.dumps(base | data).encode()) in {True, False}


@QUICK
@given(st.binary(max_size=80))
def test_any_bytes_give_a_value_or_bad_input(data):
    assert {holds(reader, data) for reader in READERS.values()} <= {True, False}


@QUICK
@given(st.text("ax.:/\\-_ {}$[]\0\n\udfffé~#", max_size=40))
def test_any_reference_gives_a_value_or_bad_input(text):
    assert holds(read_environment, text, read=read, is_directory=lambda path: path.endswith("x")) in {True, False}
    assert holds(substitute, "${{inputs." + text, inputs={"x": "1"}, outputs={}) in {True, False}
    assert holds(substitute, text + "${{ inputs.x }}", inputs={"x": "1"}, outputs={}) in {True, False}

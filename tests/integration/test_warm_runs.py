"""Warm runs: the short way is taken when nothing has changed, and the result is right when something has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

BEFORE_THE_RANKS = {
    "localrun", "localrun.cli", "localrun.errors", "localrun.cli.start", "localrun.cli.warm", "localrun.adapters",
    "localrun.adapters.files", "localrun.values", "localrun.plan", "localrun.runner", "localrun.launch", "localrun.targets",
    "localrun.targets.local",
}  # fmt: skip
KEPT_OFF = (
    *(
        "click",
        "json",
        "enum",
        "contextlib",
        "subprocess",
        "re",
        "dataclasses",
        "signal",
        "typing",
        "logging",
        "sqlite3",
    ),
    *(
        "pathlib",
        "tempfile",
        "shutil",
        "random",
        "socket",
        "hashlib",
        "ruamel",
        "rattler",
        "filelock",
        "pathspec",
        "rich",
    ),
    *("localrun.resolve", "localrun.formats", "localrun.cli.run", "localrun.cli.commands", "localrun.environments"),
)
START = "import sys; from localrun.cli import main; sys.exit(main())"  # -m would import more than the console script
IMPORTED = re.compile(r"^import time:.*\| +([\w.]+)$", re.MULTILINE)


@pytest.fixture
def warm(localrun):
    """Run the same command until its plan is kept, and tell whether a run took the short way."""

    def run(*words, **options):
        environ = {**os.environ, "LOCALRUN_HOME": localrun.home, **options.pop("env", {})}
        command = [sys.executable, "-X", "importtime", "-c", START, "run", *words]
        options = {"cwd": localrun.source} | options
        done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=environ, **options)
        imported = IMPORTED.findall(done.stderr.decode(errors="replace"))
        said = [line for line in done.stderr.split(b"\n") if not line.startswith(b"import time:")]
        return done.stdout, b"\n".join(said), "click" not in imported, imported

    return run


def settle():
    time.sleep(0.15)  # files that were written just now are not trusted yet


def heat(warm, *words, **options):
    settle()
    first = warm(*words, **options)
    second = warm(*words, **options)
    assert not first[2]
    assert second[2], second[1]
    assert first[0] == second[0]
    return first[0]


def test_warm_run_imports_nothing_that_the_ranks_do_not_need(localrun, warm):
    localrun.write("train.py", "import sys; print('line')")
    localrun.write(".gitignore", "*.log\n")
    heat(warm, "train.py", "--epochs", "3")
    bare = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "pass"], capture_output=True, check=True, text=True
    )
    known = IMPORTED.findall(bare.stderr)
    imported = warm("train.py", "--epochs", "3")[3]
    until = imported.index("localrun.supervise.front") if "localrun.supervise.front" in imported else len(imported)
    before = [name for name in imported[:until] if name not in known]
    assert set(before) >= BEFORE_THE_RANKS
    extra = [name for name in before if any(name == item or name.startswith(f"{item}.") for item in KEPT_OFF)]
    assert extra == []


def test_edited_script_runs_by_its_old_plan(localrun, warm):
    localrun.write("train.py", "print(1)")
    heat(warm, "train.py")
    localrun.write("train.py", "print(2)")
    out, _, short, _ = warm("train.py")
    assert (out, short) == (b"2\n", True)


def test_other_arguments_flags_and_folders_are_other_calls(localrun, warm, tmp_path):
    localrun.write("train.py", "import os, sys; print(sys.argv[1:], os.environ.get('A'))")
    heat(warm, "train.py", "x")
    assert warm("train.py", "y")[0] == b"['y'] None\n"
    assert warm("-e", "A=1", "train.py", "x")[0] == b"['x'] 1\n"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "train.py").write_text("print('other')")
    assert warm("train.py", "x", cwd=tmp_path / "other")[0] == b"other\n"
    assert warm("train.py", "x")[2]


def test_edited_job_file_takes_the_long_way(localrun, warm):
    own = ("-E", f"interpreter:{sys.executable}")
    localrun.write("job.yml", "command: echo 1\n")
    heat(warm, *own, "job.yml")
    localrun.write("job.yml", "command: echo 2\n")
    assert warm(*own, "job.yml")[::2][:2] == (b"2\n", False)
    settle()
    warm(*own, "job.yml")
    assert warm(*own, "job.yml")[2]
    os.utime(os.path.join(localrun.source, "job.yml"))
    assert not warm(*own, "job.yml")[2]
    os.unlink(os.path.join(localrun.source, "job.yml"))
    assert b"there is no file job.yml" in warm(*own, "job.yml")[1]


def test_edit_that_keeps_size_and_modification_time_is_seen(localrun, warm):
    own = ("-E", f"interpreter:{sys.executable}")
    path = localrun.write("job.yml", "command: echo 1\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    heat(warm, *own, "job.yml")
    localrun.write("job.yml", "command: echo 2\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert warm(*own, "job.yml")[0] == b"2\n"


def test_file_that_was_written_just_before_is_not_trusted(localrun):
    localrun.write("job.yml", "command: echo 0\n")
    for number in range(1, 6):
        localrun.write("job.yml", f"command: echo {number}\n")
        assert localrun.run("-q", "-E", f"interpreter:{sys.executable}", "job.yml").stdout == b"%d\n" % number


def test_job_yml_of_a_folder_and_the_inputs_it_names_are_evidence(localrun, warm):
    own = ("-E", f"interpreter:{sys.executable}")
    data = localrun.write("data.txt", "d")
    localrun.write("job.yaml", "command: echo yaml ${{inputs.d}}\ninputs: {d: {type: uri_file, path: data.txt}}\n")
    assert heat(warm, *own, ".") == f"yaml {data}\n".encode()
    localrun.write("job.yml", "command: echo yml\n")
    assert warm(*own, ".")[0] == b"yml\n"
    os.unlink(os.path.join(localrun.source, "job.yml"))
    assert warm(*own, ".")[0] == f"yaml {data}\n".encode()
    settle()
    assert warm(*own, ".")[0] == f"yaml {data}\n".encode()
    os.unlink(data)
    assert b"there is no file or folder" in warm(*own, ".")[1]


def test_env_file_is_evidence_and_inherited_values_are_taken_anew_and_never_kept(localrun, warm):
    localrun.write("train.py", "import os; print(os.environ.get('A'), os.environ.get('B'))")
    localrun.write("a.env", "A=1\nB\n")
    settle()
    words = ("--env-file", "a.env", "train.py")
    assert warm(*words, env={"B": "secret-1"})[0] == b"1 secret-1\n"
    out, _, short, _ = warm(*words, env={"B": "secret-2"})
    assert (out, short) == (b"1 secret-2\n", True)
    assert warm(*words)[0] == b"1 None\n"
    for folder, _, names in os.walk(localrun.home):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert b"secret-" not in file.read() or name == "std_log.txt", name
    localrun.write("a.env", "A=2\n")
    assert warm(*words)[0] == b"2 None\n"


def test_other_path_and_removed_interpreter_take_the_long_way(localrun, warm, tmp_path):
    localrun.write("train.py", "import sys; print(sys.prefix)")
    for name in ("one", "two"):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / name)], check=True)
    one, two = (str(tmp_path / name) for name in ("one", "two"))
    rest = os.environ["PATH"]
    clean = {"VIRTUAL_ENV": "", "CONDA_PREFIX": ""}
    first = {**clean, "PATH": f"{one}/bin:{two}/bin:{rest}"}
    assert heat(warm, "train.py", env=first) == f"{one}\n".encode()
    assert warm("train.py", env={**clean, "PATH": f"{two}/bin:{rest}"})[0] == f"{two}\n".encode()
    assert warm("train.py", env={**first, "VIRTUAL_ENV": two})[0] == f"{two}\n".encode()
    shutil.rmtree(one)
    assert warm("train.py", env=first)[0] == f"{two}\n".encode()
    words = ("-E", f"interpreter:{two}/bin/python", "train.py")
    heat(warm, *words)
    shutil.rmtree(two)
    assert b"there is no interpreter" in warm(*words)[1]


def test_stand_in_for_an_interpreter_is_asked_and_its_settings_are_evidence(localrun, warm, tmp_path):
    localrun.write("train.py", "import sys; print(sys.executable)")
    (tmp_path / "shims").mkdir()
    for name in ("one", "two"):
        os.makedirs(tmp_path / name / "bin")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / name)], check=True)
    shim = tmp_path / "shims" / "python3"
    shim.write_text(f'#!/bin/sh\nexec {tmp_path}/$(cat {localrun.source}/../.python-version)/bin/python "$@"\n')
    shim.chmod(0o755)
    (tmp_path / ".python-version").write_text("one")
    env = {"PATH": f"{tmp_path}/shims:{os.environ['PATH']}", "VIRTUAL_ENV": "", "CONDA_PREFIX": ""}
    words = ("-e", "X=1", "train.py")
    assert heat(warm, *words, env=env).startswith(str(tmp_path / "one").encode())
    (tmp_path / ".python-version").write_text("two")
    assert warm(*words, env=env)[0].startswith(str(tmp_path / "two").encode())


def test_damaged_plans_are_passed_over_and_made_anew(localrun, warm):
    localrun.write("train.py", "print(1)")
    heat(warm, "train.py")
    (name,) = os.listdir(os.path.join(localrun.home, "plans"))
    path = os.path.join(localrun.home, "plans", name)
    with open(path, "rb") as file:
        whole = file.read()
    for damaged in (b"", b"x", whole[:-50], b"\xe9" * 4000, whole[:100] + b"\0" + whole[101:]):
        with open(path, "wb") as file:
            file.write(damaged)
        out, said, short, _ = warm("train.py")
        assert (out, short) == (b"1\n", False), said
    assert warm("train.py")[2]


def test_plans_do_not_grow_without_bound(localrun, warm):
    folder = os.path.join(localrun.home, "plans")
    os.makedirs(folder)
    os.chmod(localrun.home, 0o700)
    for number in range(600):
        with open(os.path.join(folder, f"{number:08x}"), "wb"):
            pass
        os.utime(os.path.join(folder, f"{number:08x}"), (number, number))
    localrun.write("train.py", "print(1)")
    heat(warm, "train.py")
    left = os.listdir(folder)
    assert len(left) == 256
    assert "00000257" in left or f"{599:08x}" in left
    assert f"{0:08x}" not in left


def test_new_version_of_a_registered_environment_is_seen(localrun, warm):
    text = '{"name": "mine", "python": {"userManagedDependencies": true, "interpreterPath": "python3"}, "environmentVariables": {"A": "%d"}}'
    localrun.write("train.py", "import os; print(os.environ['A'])")
    for version in (1, 2):
        localrun.write("azureml_environment.json", text % version)
        assert localrun.command("env", "register", "-d", ".").stdout.split() == [b"mine:%d" % version]
        assert warm("-E", "mine", "train.py")[0] == b"%d\n" % version
        settle()
        warm("-E", "mine", "train.py")
        out, said, short, _ = warm("-E", "mine", "train.py")
        assert (out, short) == (b"%d\n" % version, True), said
    assert warm("-E", "mine:1", "train.py")[0] == b"1\n"

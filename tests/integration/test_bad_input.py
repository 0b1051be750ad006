"""Bad input through the real command line: refused at once, with its place and what to do; nothing is run or left."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import time

import pytest

from localrun.workspace.snapshot_objects import locate_object
from localrun.workspace.snapshot_store import list_kept

SCRIPT = "print('ran')"
OWN = ("-E", "interpreter:python3")
JOB = "command: echo ran\nenvironment: {conda_file: {dependencies: [python]}}\n"


def processor_time():
    """Give the seconds that children have used: a busy machine makes nobody late by it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture
def refused(localrun):
    localrun.write("train.py", SCRIPT)

    def look(name):
        folder = os.path.join(localrun.home, name)
        return os.listdir(folder) if os.path.isdir(folder) else []

    def check(*words, code=125, kind="bad_input", says=(), limit_s=2.0, **options):
        before = [look(name) for name in ("runs", "active", "trash")]
        began = processor_time()
        done = localrun.run(*words, **options)
        took = processor_time() - began
        lines = done.stderr.decode().splitlines()
        assert done.returncode == code, done.stderr
        assert lines[-1] == f"kind={kind}"
        assert any(line.startswith("localrun: error: ") for line in lines)
        assert any(line.startswith("  hint: ") for line in lines), lines
        assert "Traceback" not in done.stderr.decode()
        assert b"\x1b" not in done.stderr
        assert done.stdout == b""
        for text in [says] if isinstance(says, str) else says:
            assert text in done.stderr.decode()
        after = [look(name) for name in ("runs", "active", "trash")]
        assert after[0] == before[0]
        assert all({*new} <= {*old} for new, old in zip(after, before, strict=True))  # an earlier run may just let go
        assert took < limit_s
        return "\n".join(lines)

    return check


FLAGS = [
    ((), "nothing to run was given"),
    (("--command", "echo", "train.py"), "--command and SOURCE were both given"),
    (("-n", "0", "train.py"), "-n: expected a whole number from 1, found 0"),
    (("-n", "-3", "train.py"), "-n: expected a whole number from 1, found -3"),
    (("-n", "abc", "train.py"), "'abc' is not a valid integer"),
    (("-n", "5000", "train.py"), "5,000 ranks are too many for one machine"),
    (("--nodes", "-1", "train.py"), "--nodes: expected a whole number from 1, found -1"),
    (("--timeout", "-5", "train.py"), "--timeout: expected seconds from 0"),
    (("--timeout", "nan", "train.py"), "--timeout: expected seconds from 0"),
    (("--barrier-timeout", "inf", "train.py"), "--barrier-timeout: expected seconds from 0"),
    (("--stop-timeout", "-1", "train.py"), "--stop-timeout: expected seconds from 0"),
    (("--no-such-flag", "train.py"), "No such option '--no-such-flag'"),
    (("-t", "docker", "train.py"), "-E: no environment is given"),
    (("--distribution", "none", "-n", "2", "train.py"), "-n: 2 processes on a node need a distribution"),
    (("--distribution", "pytorch", "-e", "WORLD_SIZE=4", "train.py"), "WORLD_SIZE is set by localrun for every rank"),
    (
        ("--distribution", "pytorch", "-e", "MASTER_PORT=6105", "train.py"),
        "MASTER_PORT is set by localrun for every rank",
    ),
    (("--distribution", "mpi", "-e", "OMPI_COMM_WORLD_RANK=0", "train.py"), "OMPI_COMM_WORLD_RANK is set by localrun"),
    (("--experiment", "../x", "train.py"), "--experiment: '../x' cannot name an experiment"),
    (("--name", "a\x1b[31m\nb", "train.py"), "--name: 'a\\x1b[31m\\nb' cannot name a run"),
    (("-e", "=x", "train.py"), "-e: '=x' names no variable"),
    (("-n", "2", "-e", "RANK=7", "train.py"), "RANK is set by localrun for every rank"),
    (("-n", "2", "-e", "WORLD_SIZE", "train.py"), "WORLD_SIZE is set by localrun for every rank"),
    (("-e", "AZUREML_RUN_ID=x", "train.py"), "AZUREML_RUN_ID is set by localrun"),
    (("-e", "AZUREML_CONDA_ENVIRONMENT_PATH=x", "train.py"), "AZUREML_CONDA_ENVIRONMENT_PATH is set by localrun"),
    (("--set", "a.b=c", "train.py"), "--set: it changes keys of a job file, and SOURCE is a script"),
    (("--set", "nonsense", "job.yml"), "--set: 'nonsense' sets nothing"),
    (("-t", "local", "-E", "image:python:3.11", "train.py"), "-E: the environment is the image python:3.11"),
    (("-E", "nope.yml", "train.py"), "nope.yml"),
    (("-E", "train.py", "train.py"), "there is no environment train.py"),
    (("--env-file", "nope.env", "train.py"), "there is no file nope.env"),
    (("--env-file", ".", "train.py"), "it is a folder, not a file"),
    (("--source", "nope", "--command", "true"), "--source: there is no folder"),
    (("--source", "/etc", "train.py"), "lies outside the source folder /etc"),
    (("job.yml", "-n", "2"), "hint: options stand before it: -n 2 job.yml"),
    (("job.yml", "--epochs=3", "x"), "a job file takes no arguments: --epochs=3"),
    (("missing.yml",), "there is no file missing.yml"),
    ((".",), "the folder . holds no job.yml"),
    (("-E", "", "train.py"), "-E: it is given, but empty"),
    (("-o", "train.py", "train.py"), "-o: "),
]


@pytest.mark.parametrize(
    ("words", "says"), FLAGS, ids=lambda item: " ".join(item)[:40] if isinstance(item, tuple) else ""
)
def test_flags_that_make_no_run_are_refused(localrun, refused, words, says):
    if "job.yml" in words:
        localrun.write("job.yml", JOB)
    refused(*words, says=says)


NOT_SCRIPTS = [
    ("run.sh", "a shell script", "hint: run it with --command 'bash run.sh'"),
    ("it's.sh", "a shell script", "bash"),
    ("look.ipynb", "a notebook", "jupyter nbconvert --to script look.ipynb"),
    ("fit.R", "an R script", "Rscript fit.R"),
    ("requirements.txt", "a text file", "-E"),
]


@pytest.mark.parametrize(("name", "what", "hint"), NOT_SCRIPTS)
def test_file_that_is_no_python_script_is_told_what_to_do(localrun, refused, name, what, hint):
    localrun.write(name, "x")
    refused(name, says=(f"{name} is {what}", hint))


def test_missing_and_not_runnable_give_127_and_126(localrun, refused):
    not_there = {"code": 127, "kind": "not_found"}
    refused("missing.py", says="there is no script", **not_there)
    refused("trian.py", says=f"hint: did you mean {localrun.source}/train.py?", **not_there)
    localrun.write("job.yml", JOB)
    refused("jbo.yml", says="hint: did you mean job.yml?")
    refused("missing.sh", says="there is no script", **not_there)
    refused("train.py/x.py", says="there is no script", **not_there)
    refused("--bootstrap", "missing.sh", "train.py", says="there is no bootstrap script", **not_there)
    refused("-E", "interpreter:no-such-python", "train.py", says="there is no interpreter no-such-python", **not_there)
    refused("-E", "interpreter:./nope/python", "train.py", says="there is no interpreter ./nope/python", **not_there)
    refused("-E", "interpreter:", "train.py", says="names no interpreter")
    cannot = {"code": 126, "kind": "cannot_invoke"}
    localrun.write("plain", "", 0o644)
    refused("-E", "interpreter:./plain", "train.py", says="cannot be executed", **cannot)
    refused("-E", "interpreter:true", "train.py", says="does not answer as a Python interpreter does", **cannot)
    os.mkfifo(os.path.join(localrun.source, "pipe.py"))
    refused("pipe.py", says="neither a file nor a folder", **cannot)


def test_script_that_is_a_link_to_a_place_outside_is_refused_and_runs_in_place(localrun, refused, tmp_path):
    (tmp_path / "real.py").write_text(SCRIPT)
    os.symlink(tmp_path / "real.py", os.path.join(localrun.source, "link.py"))
    refused("link.py", says=("is a link to", "lies outside", f"localrun run {tmp_path}/real.py"))
    assert localrun.run("-q", "--in-place", "link.py").stdout == b"ran\n"


def test_folder_that_was_removed_under_the_caller_is_told(localrun, refused, tmp_path):
    (tmp_path / "gone").mkdir()
    done = localrun.run(
        "train.py", cwd="/", preexec_fn=lambda: (os.chdir(tmp_path / "gone"), os.rmdir(tmp_path / "gone"))
    )
    assert done.returncode == 125
    assert done.stderr.decode().splitlines()[0] == "localrun: error: the folder you are in has been removed"


YAML = [
    ("comand: echo\n", "job.yml:1: comand: unknown key", "did you mean command?"),
    ("command: echo\nlimits:\n  timeot: 3\n", "job.yml:3: limits.timeot: unknown key", "did you mean timeout?"),
    ("command: [a]\n", "job.yml:1: command: expected text", ""),
    (
        "command: echo\nresources: {instance_count: many}\n",
        "job.yml:2: resources.instance_count: expected a whole number",
        "",
    ),
    ("command: echo\nresources: {instance_count: 0}\n", "job.yml:2: resources.instance_count", ""),
    ("command: echo\ncommand: ls\n", "job.yml:2: key command is there twice, in line 1 and in line 2", ""),
    ("command: echo\n\tcode: .\n", "job.yml:2: a tab stands where YAML wants spaces", ""),
    ("command: é\n".encode("latin-1"), "job.yml:1: byte 0xe9 is not UTF-8", ""),
    ("command: echo\n".encode("utf-16"), "job.yml: the file is UTF-16, not UTF-8", ""),
    (b"command: echo\0\n", "job.yml:1: there is a NUL character", ""),
    ("", "job.yml: the file is empty", ""),
    ("# nothing\n", "job.yml: the file is empty", ""),
    ("- a\n", "job.yml", ""),
    ("command: echo\n---\ncommand: ls\n", "job.yml", ""),
    ("a: " + "[" * 3000 + "]" * 3000, "job.yml", ""),
    ("command: echo ${{inputs.x}}\ninputs: {y: 1}\n", "job.yml:1: command: ${{inputs.x}} refers to nothing", ""),
    ("command: |\n  echo ${{ outputs.modle }}\noutputs: {model: }\n", "job.yml:1: command", "did you mean model?"),
    ("command: echo\nenvironment_variables: {A: '${{inputs.no}}'}\n", "job.yml:2: environment_variables.A", ""),
    (
        "command: echo\nenvironment_variables: {RANK: 1}\ndistribution: {type: pytorch}\n",
        "job.yml:2: environment_variables.RANK: RANK is set by localrun",
        "",
    ),
    ("command: echo\nenvironment_variables: {'A=B': 1}\n", "job.yml:2: environment_variables.A=B", ""),
    ('command: echo\nenvironment_variables: {A: "x\\0y"}\n', "job.yml:2", ""),
    (
        "command: echo\noutputs: {PATH: {type: uri_folder}}\n",
        "job.yml:2: outputs.PATH: PATH is a name that shells use",
        "",
    ),
    (
        "command: echo\ninputs: {d: {type: uri_folder, path: ./nowhere}}\n",
        "job.yml:2: inputs.d.path: there is no file or folder",
        "",
    ),
    (
        "command: echo\ninputs: {d: {type: uri_folder, path: ./train.py}}\n",
        "job.yml:2: inputs.d.path: ",
        "use type: uri_file",
    ),
    ("command: echo\ncode: ./nowhere\n", "job.yml:2: code: there is no folder", ""),
    ("command: echo\ntype: pipeline\n", "job.yml:2: type: a job of type pipeline is not run here yet", ""),
    (
        "command: echo\ndistribution: {type: tensorflow, worker_count: 2}\nresources: {instance_count: 3}\n",
        "job.yml:2: distribution.worker_count: 2 workers are fewer than 3 nodes",
        "at least one worker for each node",
    ),
    (
        "command: echo\ndistribution: {type: ray, port: 6379}\n",
        "job.yml:2: distribution.type: the distribution ray",
        "",
    ),
    ("command: echo\nexperiment_name: a/b\n", "job.yml:2: experiment_name: 'a/b' cannot name an experiment", ""),
    ("command: echo\nname: 'a b'\n", "job.yml:2: name: 'a b' cannot name a run", ""),
    (
        "command: echo\nenvironment_variables:\n  A: 1\n  BIG: " + "x" * 200_000,
        "job.yml:4: environment_variables.BIG: BIG is 200,004 bytes",
        "",
    ),
]


@pytest.mark.parametrize(("text", "says", "hint"), YAML, ids=lambda item: repr(item)[:40])
def test_job_file_that_cannot_be_used_is_refused_with_its_line_and_key(localrun, refused, text, says, hint):
    localrun.write("job.yml", text)
    refused(*OWN, "job.yml", says=(says, hint))


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ("{image: ubuntu}", "job.yml:2: environment: the environment is the image ubuntu"),
        ("azureml:sklearn:3", "job.yml:2: environment: there is no environment sklearn:3"),
        ("file:nope.yml", "job.yml:2: environment"),
        ("{conda_file: nope.yml}", "job.yml:2: environment.conda_file"),
        ("{image: x, conda_fil: y}", "did you mean conda_file?"),
        ("5", "job.yml:2: environment: expected an environment"),
    ],
)
def test_environment_that_cannot_be_used_here_is_refused(localrun, refused, environment, says):
    localrun.write("job.yml", f"command: echo\nenvironment: {environment}\n")
    refused("-t", "local", "job.yml", says=says)


def test_byte_order_mark_and_windows_line_ends_are_taken(localrun):
    localrun.write("job.yml", b"\xef\xbb\xbfcommand: echo taken\r\nenvironment_variables:\r\n  A: b\r\n")
    assert localrun.run("-q", *OWN, "job.yml").stdout == b"taken\n"


def test_flag_that_replaces_a_key_is_named_in_place_of_the_key(localrun, refused):
    localrun.write("job.yml", JOB + "resources: {instance_count: 2}\nenvironment_variables: {A: b}\nname: fine\n")
    assert "job.yml" not in refused(*OWN, "--nodes", "0", "job.yml", says="--nodes: expected")
    assert "job.yml" not in refused(*OWN, "--name", "a b", "job.yml", says="--name: 'a b'")
    assert "job.yml:" not in refused(*OWN, "-t", "local", "-E", "image:x", "job.yml", says="-E: the environment")


def test_very_large_files_are_refused_in_no_time(localrun, refused):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    localrun.write("bomb.yml", bomb)
    refused(*OWN, "bomb.yml", limit_s=1)
    localrun.write("bomb.yml", bomb + "#" + "x" * 10_000_000)
    refused(*OWN, "bomb.yml", limit_s=1)
    localrun.write("big.yml", f"command: echo\nenvironment_variables: {{BIG: {'x' * 10_000_000}}}\n")
    refused(*OWN, "big.yml", says="10,000,045 bytes")
    localrun.write("big.env", f"BIG={'x' * 10_000_000}\n")
    refused("--env-file", "big.env", "train.py", says="big.env: the file has 10,000,005 bytes")
    localrun.write("large.env", f"# c\nA=1\n  BIG={'x' * 200_000}\n")
    refused("--env-file", "large.env", "train.py", says="large.env:3: BIG: BIG is 200,004 bytes")
    with open(os.path.join(localrun.source, "sparse.yml"), "wb") as file:
        file.truncate(5 << 30)
    refused(*OWN, "sparse.yml")


def test_variables_that_are_too_large_together_end_with_126_and_a_reason(localrun):
    localrun.write("train.py", SCRIPT)
    for number in range(4):
        lines = "".join(f"V{number}_{item}={'x' * 100_000}\n" for item in range(9))
        localrun.write(f"{number}.env", lines)
    files = [word for number in range(4) for word in ("--env-file", f"{number}.env")]
    done = localrun.run(*files, "train.py")
    assert done.returncode == 126
    assert b"too long together" in done.stderr + done.stdout


def make_socket(path):
    folder = os.path.dirname(path)
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(folder, os.O_RDONLY)
        made.bind(f"/proc/self/fd/{here}/{os.path.basename(path)}")
        os.close(here)


def test_fifo_socket_and_device_are_left_out_of_the_snapshot_with_a_note(localrun):
    localrun.write("train.py", "import os; print(sorted(os.listdir()))")
    os.mkfifo(os.path.join(localrun.source, "pipe"))
    make_socket(os.path.join(localrun.source, "socket"))
    os.mkfifo(os.fsencode(localrun.source) + b"/odd\xff\x1b\n")
    if os.geteuid() == 0:
        os.mknod(os.path.join(localrun.source, "zero"), 0o20644, os.makedev(1, 5))
    done = localrun.run("train.py")
    assert done.stdout == b"['logs', 'outputs', 'train.py', 'user_logs']\n"
    assert b"not in the snapshot, being neither files nor folders" in done.stderr
    assert b"\x1b" not in done.stderr
    assert any("odd" in note for note in localrun.record()["notes"])


def test_link_that_leads_out_is_refused_and_a_virtual_environment_is_called_that(localrun, refused):
    outward = os.path.join(localrun.source, "data")
    os.symlink("/etc", outward)
    refused("train.py", says=("is a link to /etc, which lies outside", ".amlignore"))
    localrun.write(".amlignore", "data\n")
    assert localrun.run("-q", "train.py").stdout == b"ran\n"


def test_virtual_environment_in_the_source_is_called_that(localrun, refused):
    os.makedirs(os.path.join(localrun.source, "venv", "bin"))
    localrun.write("venv/pyvenv.cfg", "")
    os.symlink("/usr/bin/python3", os.path.join(localrun.source, "venv", "bin", "python3"))
    refused("train.py", says="hint: venv is a virtual environment: write the line venv/ into .amlignore")


@pytest.mark.timeout(120)
def test_source_folder_of_more_than_the_limits_is_refused_by_name_of_the_limit(localrun, refused):
    for number in range(21):
        folder = os.path.join(localrun.source, f"d{number}")
        os.mkdir(folder)
        for item in range(1000):
            os.link(os.path.join(localrun.source, "train.py"), f"{folder}/{item}")
    refused("train.py", says=("more than 20,000 files", "20,000 files and 300 MiB", "--no-snapshot-limit"))
    began = time.monotonic()
    done = localrun.run("--no-snapshot-limit", "train.py")
    assert done.stdout == b"ran\n"
    if time.monotonic() - began > 12:
        assert b" files and folders" in done.stderr  # how far it has come
    assert len(list_kept(localrun.home, localrun.record()["folder"])) == 21_000 + 21 + 1
    assert localrun.run("-q", "--in-place", "train.py").stdout == b"ran\n"
    assert localrun.wait_for_processes(timeout_s=90) == []  # the working directory is emptied behind the first run


def test_five_gigabytes_of_hole_are_refused_and_copied_as_a_hole_when_asked_for(localrun, refused):
    with open(os.path.join(localrun.source, "huge.bin"), "wb") as file:
        file.seek(1 << 30)
        file.write(b"middle")
        file.truncate(5 << 30)
    refused("train.py", says=("more than 300 MiB (the largest file: huge.bin)", ".amlignore"))
    localrun.write("look.py", "f = open('huge.bin', 'rb'); f.seek(1 << 30); print(f.read(6), f.seek(0, 2))")
    assert localrun.run("-q", "--no-snapshot-limit", "look.py", timeout=30).stdout == b"b'middle' 5368709120\n"
    (kept,) = [entry for entry in list_kept(localrun.home, localrun.record()["folder"]) if entry.path == "huge.bin"]
    copy = os.stat(locate_object(localrun.home, kept.digest))
    assert (copy.st_size, copy.st_blocks < 10_000) == (5 << 30, True)


def give_up_root():
    """Keep root's name and lose its right to read everybody's files, for the program that is started next."""
    import ctypes

    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


def test_what_may_not_be_read_is_named(localrun, refused):
    limited = {"preexec_fn": give_up_root} if os.geteuid() == 0 else {}

    def take_away(path, mode):
        os.chmod(path, mode)
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)

    private = localrun.write("private.txt", "x")
    closed = os.path.join(localrun.source, "closed")
    os.mkdir(closed)
    take_away(private, 0o000)
    take_away(closed, 0o000)
    refused("train.py", says=("closed of the source cannot be read: Permission denied", ".amlignore"), **limited)
    localrun.write(".amlignore", "closed/\n")
    refused("train.py", says=("private.txt of the source cannot be copied: Permission denied",), **limited)
    localrun.write(".amlignore", "closed/\nprivate.txt\n")
    assert localrun.run("-q", "train.py", **limited).stdout == b"ran\n"
    take_away(localrun.write("job.yml", JOB), 0o000)
    refused("job.yml", says="job.yml: Permission denied", **limited)


def test_ignore_files_that_cannot_be_used_are_named(localrun, refused):
    localrun.write(".amlignore", "*.log\n[z-a]\n")
    refused("train.py", says=".amlignore:2: '[z-a]' is not a pattern")
    os.unlink(os.path.join(localrun.source, ".amlignore"))
    os.mkfifo(os.path.join(localrun.source, ".amlignore"))
    refused("train.py", says=".amlignore: the ignore file cannot be read: it is not a regular file")


def test_error_before_the_environment_is_made_makes_none(localrun, refused):
    os.symlink("/etc", os.path.join(localrun.source, "data"))
    localrun.write("environment.yml", "channels: [file:///nowhere]\ndependencies: [python]\n")
    refused("-E", "environment.yml", "train.py", says="lies outside")
    assert not os.path.isdir(os.path.join(localrun.home, "environments"))


def test_wrong_command_names_the_nearest_and_help_needs_no_workspace(localrun, tmp_path):
    for words, hint in (
        (("runn",), "did you mean localrun run?"),
        (("train.py",), "did you mean localrun run train.py?"),
    ):
        done = localrun.command(*words)
        assert (done.returncode, f"hint: {hint}" in done.stderr.decode()) == (125, True)
    (tmp_path / "file").write_text("")
    done = localrun.command("run", "--help", env={"LOCALRUN_HOME": str(tmp_path / "file" / "below")})
    assert (done.returncode, done.stderr) == (0, b"")
    assert all(len(line) <= 80 for line in done.stdout.decode().splitlines())


def test_traceback_is_given_when_it_is_asked_for_in_front_and_is_the_scripts_behind(localrun):
    localrun.write("train.py", "import sys; print(sys.argv[1:])")
    for words in (("--traceback", "run", "missing.py"), ("run", "--traceback", "missing.py")):
        assert b"Traceback" in localrun.command(*words).stderr
    assert localrun.run("-q", "train.py", "--traceback").stdout == b"['--traceback']\n"
    assert b"Traceback" not in localrun.run("missing.py", "--traceback").stderr


def test_text_that_the_terminal_can_show_is_shown_as_it_is(localrun):
    done = localrun.run("größe.py", env={"PYTHONIOENCODING": "utf-8"})
    assert "größe.py" in done.stderr.decode()
    done = localrun.run("größe.py", env={"PYTHONIOENCODING": "ascii"})
    assert b"gr\\xf6\\xdfe.py" in done.stderr
    assert subprocess.run(["true"], check=True).returncode == 0

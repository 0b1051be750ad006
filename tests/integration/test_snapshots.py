"""What a run works in: a copy of its source folder, byte for byte, without what does not belong to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from run_kit import wait_until

from localrun.workspace.snapshot_store import list_kept, read_kept

LIST = """
import os, sys
for folder, folders, files in os.walk(b"."):
    folders[:] = sorted(name for name in folders if name not in (b"outputs", b"logs", b"user_logs"))
    for name in sorted(files + folders):
        path = os.path.join(folder, name)
        if name not in (b"user_logs", b"list.py"):
            sys.stdout.buffer.write(path + b"\\n")
"""


def tree(localrun, *flags):
    localrun.write("list.py", LIST)
    done = localrun.run("-q", *flags, "list.py")
    assert done.returncode == 0, done.stderr
    return done.stdout.split(b"\n")[:-1]


def put(localrun, *names):
    for name in names:
        os.makedirs(os.path.dirname(os.path.join(localrun.source, name)), exist_ok=True)
        localrun.write(name, name)


def test_names_content_modes_and_times_are_kept_as_they_are(localrun):
    source = os.fsencode(localrun.source)
    names = [b"new\nline", b"esc\x1b[31m", b"not-utf8-\xff", b"-dash", "größe 模型".encode(), b" blank ", b"$(id);`id`"]
    for number, name in enumerate(names):
        with open(source + b"/" + name, "wb") as file:
            file.write(bytes(range(256)) * number)
        os.chmod(file.name, 0o4751 if number == 0 else 0o640)
        os.utime(file.name, ns=(1, 315_000_000_000_000_123 * number))
    localrun.write(
        "list.py",
        "import os, sys\nfor name in sorted(os.listdir(b'.')):\n  facts = os.stat(name)\n"
        "  sys.stdout.buffer.write(b'%r %d %o %d\\n' % (name, facts.st_size, facts.st_mode & 0o7777, facts.st_mtime_ns))",
    )
    expected = {
        b"%r %d %o %d" % (name, 256 * number, 0o751 if number == 0 else 0o640, 315_000_000_000_000_123 * number)
        for number, name in enumerate(names)
    }
    done = localrun.run("-q", "list.py")
    assert expected <= set(done.stdout.split(b"\n")), done.stderr
    kept = {entry.path: entry for entry in list_kept(localrun.home, localrun.record()["folder"])}
    assert read_kept(localrun.home, kept[os.fsdecode(b"not-utf8-\xff")]) == bytes(range(256)) * 2


def test_links_stay_links_and_never_lead_out(localrun, tmp_path):
    put(localrun, "data/file")
    name = os.path.basename(localrun.source)
    for link, goal in {
        "loop": "loop", "self": ".", "data/up": "..", "dangling": "nowhere", "relative": "data/file",
        "absolute": os.path.join(localrun.source, "data", "file"), "round": f"../{name}/data/file",
    }.items():  # fmt: skip
        os.symlink(goal, os.path.join(localrun.source, link))
    localrun.write(
        "read.py", "print([open(name).read() for name in ('relative', 'absolute', 'round', 'self/data/up/relative')])"
    )
    assert localrun.run("-q", "read.py").stdout == b"['data/file', 'data/file', 'data/file', 'data/file']\n"
    os.unlink(os.path.join(localrun.source, "data", "file"))
    assert b"No such file" in localrun.run("-q", "read.py").stdout  # not one of them shows the source itself


def test_amlignore_takes_the_place_of_gitignore_and_the_last_match_wins(localrun):
    put(
        localrun,
        "a.log",
        "keep.log",
        "data/big",
        "data/keep",
        "data/deep/keep",
        "sub/.amlignore",
        "sub/x",
        "#x",
        "both/x",
    )
    put(localrun, "one two", "A.LOG", "src/build/x", "build/x")
    localrun.write(".gitignore", "sub/\nboth/\n")
    localrun.write("sub/.amlignore", "x\n")
    localrun.write(
        ".amlignore",
        b"\xef\xbb\xbf*.log\r\n!keep.log\ndata/\n!data/keep\n!data/deep/keep\n\\#x\n# comment\n/build\none\\ two\n",
    )
    assert tree(localrun) == [
        b"./.amlignore", b"./.gitignore", b"./A.LOG", b"./both", b"./data", b"./keep.log", b"./src", b"./sub",
        b"./both/x", b"./data/deep", b"./data/keep", b"./data/deep/keep", b"./src/build", b"./src/build/x",
        b"./sub/.amlignore", b"./sub/x",
    ]  # fmt: skip
    localrun.write(".amlignore", "")  # an empty one takes its place as well
    assert b"./data/big" in tree(localrun)
    os.unlink(os.path.join(localrun.source, ".amlignore"))
    assert not {b"./sub", b"./both"} & set(tree(localrun))
    localrun.write(".gitignore", "")
    assert {b"./sub", b"./both"} <= set(tree(localrun))


def test_change_of_the_ignore_file_and_new_files_are_seen_by_a_warm_run(localrun):
    put(localrun, "a.tmp", "b.tmp", "venv/lib/x")
    localrun.write(".gitignore", "*.tmp\nvenv\n")
    assert tree(localrun) == [b"./.gitignore"]
    put(localrun, "c.tmp", "d.txt")
    assert tree(localrun) == [b"./.gitignore", b"./d.txt"]
    localrun.write(".gitignore", "b.tmp\nvenv\n")
    assert tree(localrun) == [b"./.gitignore", b"./a.tmp", b"./c.tmp", b"./d.txt"]


def test_workspace_inside_the_source_is_left_out_and_source_inside_the_workspace_works(localrun):
    inside = os.path.join(localrun.source, "deep", "home")
    localrun.write("list.py", LIST)
    for _ in range(2):
        done = localrun.run("-q", "list.py", env={"LOCALRUN_HOME": inside})
        assert done.stdout == b"./deep\n", done.stderr
    link = os.path.join(os.path.dirname(localrun.source), "link")
    os.symlink(localrun.source, link)
    assert localrun.run("-q", "list.py", cwd=link, env={"LOCALRUN_HOME": inside}).stdout == b"./deep\n"
    shutil.rmtree(os.path.join(localrun.source, "deep"))
    localrun.run("-q", "list.py")
    earlier = os.path.join(localrun.home, "again")
    shutil.copytree(localrun.source, earlier)
    done = localrun.run("-q", "list.py", cwd=earlier)
    assert (done.returncode, done.stdout) == (0, b"")
    for folder in (localrun.home, os.path.join(localrun.home, "runs")):
        with open(os.path.join(folder, "list.py"), "w", encoding="utf-8") as file:
            file.write(LIST)
        done = localrun.run("list.py", cwd=folder)
        assert done.returncode == 125
        assert b"is localrun's own workspace" in done.stderr
    os.unlink(os.path.join(localrun.home, "runs", "list.py"))


def test_folders_nested_a_thousand_deep_are_copied(localrun):
    here = os.open(localrun.source, os.O_RDONLY)
    for _ in range(1005):
        os.mkdir("d", dir_fd=here)
        there = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = there
    os.close(here)
    localrun.write("train.py", "print(1)")
    done = localrun.run("-q", "train.py")
    assert (done.returncode, done.stdout) == (0, b"1\n"), done.stderr
    removed = localrun.command("rm", "latest")
    assert removed.returncode == 0, removed.stderr
    assert os.listdir(os.path.join(localrun.home, "trash")) == []
    subprocess.run(["rm", "-r", os.path.join(localrun.source, "d")], check=True)


def test_kill_while_the_snapshot_is_made_leaves_nothing_after_the_next_command(localrun):
    localrun.write("train.py", "print(1)")
    for number in range(1000):
        os.link(f"{localrun.source}/train.py", f"{localrun.source}/{number}")
    runs = os.path.join(localrun.home, "runs")
    os.makedirs(runs, 0o700)
    os.chmod(localrun.home, 0o700)
    partial = 0
    for after_s in (0.005, 0.02, 0.05):
        known = len(os.listdir(runs))
        child = localrun.start("run", "train.py")
        wait_until(lambda known=known: len(os.listdir(runs)) > known)
        time.sleep(after_s)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        partial += len(localrun.records()) < len(os.listdir(runs))
        listed = localrun.command("ps", "-a", "-q").stdout.decode().split()
        done = [record["run_id"] for record in localrun.records()]
        assert sorted(listed) == sorted(done) == sorted(os.listdir(runs))
        assert os.listdir(os.path.join(localrun.home, "active")) == []
    assert partial


@pytest.mark.parametrize(
    "name", ["sp ace ünï.py", "-rf.py", "a;id.py", "$(id).py", "'q\".py", "new\nline.py", "sub dir/x.py", "noending"]
)
def test_script_of_any_name_runs_as_that_very_file(localrun, name):
    os.makedirs(os.path.join(localrun.source, "sub dir"), exist_ok=True)
    localrun.write(name, "import sys; print(repr(sys.argv))")
    for _ in range(2):
        done = localrun.run("-q", "--", name, "a b", "", "--x")
        shown = f"./{name}" if name.startswith("-") else os.path.basename(name)  # the source folder is the script's
        assert done.stdout.decode() == f"{[shown, 'a b', '', '--x']!r}\n", done.stderr


def test_outputs_copied_below_themselves_end(localrun):
    localrun.write("train.py", "open('outputs/model', 'w').write('m')")
    done = localrun.run("-q", "--in-place", "-o", "outputs/copy", "train.py")
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(os.path.join(localrun.source, "outputs", "copy"))) == ["model"]


def test_outputs_copied_into_the_source_folder_are_not_in_the_next_snapshot(localrun):
    localrun.write("train.py", "import os; print(os.path.exists('results')); open('outputs/x', 'w').close()")
    for _ in range(2):
        done = localrun.run("-q", "-o", "results", "train.py")
        assert done.stdout == b"False\n", done.stderr
    assert os.path.exists(os.path.join(localrun.source, "results", "x"))


def test_a_copied_input_is_whole_whatever_its_ignore_file_says(localrun):
    put(localrun, "code/keep", "data/.gitignore", "data/a")
    localrun.write("data/.gitignore", "a\n")
    localrun.write(
        "job.yml",
        "command: ls -A ${{inputs.data}}\ncode: code\nenvironment: {image: any}\n"
        "inputs: {data: {type: uri_folder, path: data, mode: download}}\n",
    )
    done = localrun.run("-q", "-E", "interpreter:python3", "job.yml")
    assert done.stdout.split() == [b".gitignore", b"a"], done.stderr


AGAIN = f"""
import os, subprocess, sys
if sys.argv[1:]:
    sys.exit(subprocess.call([{sys.executable!r}, "-m", "localrun", "run", "-q", "x.py"]))
print(os.environ["AZUREML_RUN_ID"])
"""


def test_a_script_can_run_localrun_where_it_works(localrun):
    localrun.write("x.py", AGAIN)
    done = localrun.run("-q", "--nodes", "2", "x.py", "again")
    assert done.returncode == 0, done.stderr
    assert len({line.split()[-1] for line in done.stdout.splitlines()}) == 2

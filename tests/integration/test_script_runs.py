"""`Run` in a script: what it logs ends in the record, with azureml-core and without it."""

from __future__ import annotations

import glob
import json
import os

from script_kit import check, open_value


def test_without_azureml_core_a_stand_in_serves(localrun):
    lines = check(localrun)
    assert "this run was not given the secret nope: localrun run --secret nope" in lines


def test_no_shim_leaves_nothing_in_the_environment(localrun):
    text = "import os; print([n for n in os.environ if n in ('PYTHONPATH', 'LOCALRUN_JOURNAL', 'LOCALRUN_CONTEXT')])"
    assert localrun.run("--no-shim", localrun.write("train.py", text)).stdout == b"[]\n"


def test_a_name_that_the_stand_in_lacks_says_what_to_do(localrun):
    done = localrun.run(localrun.write("train.py", "import azureml.core\nazureml.core.Dataset\n"))
    assert b"add azureml-core to the environment to use Dataset" in done.stdout


def test_a_part_of_azureml_stays_real(localrun, tmp_path):
    part = tmp_path / "part" / "azureml" / "other"
    part.mkdir(parents=True)
    (part / "__init__.py").write_text("print('real')\n")
    for files in ({}, {"__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"}):
        for name, text in files.items():
            (part.parent / name).write_text(text)
        script = localrun.write(
            "train.py", "import azureml.other; from azureml.core import Run; print(Run.get_context().id)"
        )
        done = localrun.run("-e", f"PYTHONPATH={tmp_path / 'part'}", script)
        assert done.returncode == 0, done.stdout
        assert done.stdout.decode().splitlines() == ["real", localrun.record()["run_id"]]


def test_a_sitecustomize_of_the_users_runs(localrun, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('mine')\n")
    done = localrun.run("-e", f"PYTHONPATH={tmp_path}", localrun.write("train.py", "from azureml.core import Run"))
    assert done.stdout == b"mine\n"


def test_a_package_beside_the_script_comes_first(localrun):
    os.makedirs(os.path.join(localrun.source, "azureml"))
    localrun.write("azureml/__init__.py", "print('the user has one')\n")
    assert localrun.run(localrun.write("train.py", "import azureml")).stdout == b"the user has one\n"


def test_numbers_of_other_libraries_are_logged(localrun):
    text = """
from azureml.core import Run
class Array:
    def tolist(self): return [1, 2]
class Scalar:
    def item(self): return 2.5
class Float:
    def __float__(self): return 1.5
run = Run.get_context()
run.log("scalar", Scalar()); run.log("float", Float()); run.log_list("array", Array()); run.log("nan", float("nan"))
run.log("text", "0.25"); run.log("none", None)
"""
    assert localrun.run(localrun.write("train.py", text)).returncode == 0
    assert localrun.record()["metrics"] == {
        "array": 2, "float": 1.5, "nan": "NaN", "none": None, "scalar": 2.5, "text": 0.25,
    }  # fmt: skip


def test_forked_children_and_threads_lose_nothing(localrun):
    text = """
import os, threading
from azureml.core import Run
run = Run.get_context()
run.log("n", 0)
def work():
    for number in range(200):
        run.log("n", number)
for child in range(3):
    if os.fork() == 0:
        threads = [threading.Thread(target=work) for _ in range(4)]
        [thread.start() for thread in threads]; [thread.join() for thread in threads]
        os._exit(0)
for child in range(3):
    os.wait()
"""
    assert localrun.run(localrun.write("train.py", text)).returncode == 0
    from localrun.workspace.metrics import read_series

    record = localrun.record()
    assert len(read_series(record["folder"], record["run_id"])["n"]) == 1 + 3 * 4 * 200


def test_four_ranks_that_log_without_a_pause_lose_nothing(localrun):
    count = 20_000  # benchmarks/log_calls.py does 100,000
    text = f"""
import sys, io
from azureml.core import Run
run = Run.get_context()
sys.stdout = io.StringIO()
for number in range({count}):
    run.log("n", number)
"""
    assert localrun.run("-n", "4", localrun.write("train.py", text), timeout=120).returncode == 0
    record = localrun.record()
    seen = []
    for path in glob.glob(os.path.join(record["folder"], "journal", "*.jsonl")):
        with open(path, "rb") as file:
            seen.append(sorted(json.loads(line)["v"] for line in file))
    assert seen == [list(range(count))] * 4


def test_a_secret_that_is_logged_is_masked_in_the_record(localrun):
    env = {"LOCALRUN_SECRETS": "file"}
    localrun.command("secret", "set", "token", stdin=open_value(localrun), env=env)
    text = "import os; from azureml.core import Run; Run.get_context().tag('a', os.environ['token'])"
    done = localrun.run("--secret", "token", localrun.write("train.py", text), env=env)
    assert localrun.record()["tags"] == {"a": "***"}
    assert b"secret_in_outputs: a secret stands in journal/" in done.stderr


def test_what_cannot_be_stored_does_not_end_the_script(localrun):
    text = """
import os
folder = os.environ["LOCALRUN_JOURNAL"]
open(folder, "w").close()
from azureml.core import Run
run = Run.get_context(); run.log("a", 1); run.log("a", 2)
print("done")
"""
    done = localrun.run(localrun.write("train.py", text))
    assert done.stdout.count(b"what is logged cannot be stored") == 1
    assert done.stdout.endswith(b"done\n")

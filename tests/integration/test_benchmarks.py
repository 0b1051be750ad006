from __future__ import annotations

import json
import os
import subprocess
import sys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run_benchmarks(folder, *names, **variables):
    command = [sys.executable, "-m", "benchmarks", "--quick", "--output", str(folder)]
    for name in names:
        command += ["--only", name]
    done = subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with open(folder / "results.json", encoding="utf-8") as file:
        table = json.load(file)
    with open(folder / "results.md", encoding="utf-8") as file:
        text = file.read()
    assert text in done.stdout
    return table, text


def test_one_benchmark_gives_a_table_with_medians_ratio_goal_and_machine(tmp_path):
    table, text = run_benchmarks(tmp_path, "help")
    (row,) = table["rows"]
    assert (row["script"], row["name"], row["against"]) == ("help", "localrun --help", "python -c pass")
    assert row["ours"] > 0
    assert row["anchor"] > 0
    assert abs(row["ratio"] - row["ours"] / row["anchor"]) < 0.01
    assert row["goal"] == "<= 6 x"
    assert row["met"] is (row["ratio"] <= 6)
    assert table["missed"] == ([] if row["met"] else ["localrun --help"])
    assert table["quick"] is True
    assert set(table["machine"]) == {"cores", "memory_gb", "processor", "system", "python"}
    assert "A quick try" in text
    assert "| localrun --help |" in text


def test_what_is_not_on_the_machine_is_named_in_the_table(tmp_path):
    nowhere = tmp_path / "bin"
    nowhere.mkdir()
    table, text = run_benchmarks(tmp_path, "ranks", "docker_stop", PATH=str(nowhere))
    assert table["not_measured"] == [{"script": "docker_stop", "reason": "there is no docker command on this machine"}]
    assert {item["name"] for item in table["not_judged"]} == {"4 ranks, last rank's first line", "4 ranks, exit"}
    assert "mpirun (not here)" in text
    judged = {row["name"]: row["met"] for row in table["rows"]}
    assert judged["4 ranks, last rank's first line"] is None
    assert judged["8 ranks, exit, a rank"] in {True, False}


def test_every_script_that_measures_can_be_asked_for_and_the_readme_names_it():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    words = " ".join(done.stdout.split())
    with open(os.path.join(REPOSITORY, "benchmarks", "README.md"), encoding="utf-8") as file:
        readme = file.read()
    shared = {"__main__.py", "pairs.py", "docker_anchor.py"}
    for name in os.listdir(os.path.join(REPOSITORY, "benchmarks")):
        if name.endswith(".py") and name not in shared:
            assert name[:-3] in words, f"{name} has no measure(rounds: int = N)"
            assert f"`{name}`" in readme, f"{name} is not in benchmarks/README.md"

"""Why a cache hits or misses, told by `plan --explain`."""

from __future__ import annotations

import json
import os

from environment_kit import fill_channel, text_package


def explain(localrun, *words):
    done = localrun.command("plan", "--explain", "--format", "json", *words)
    assert done.returncode == 0, done.stderr
    return {item["cache"]: item for item in json.loads(done.stdout)["caches"]}


def test_miss_names_the_nearest_entry_and_what_differs(localrun, tmp_path):
    channel = fill_channel(tmp_path / "channel", [text_package(name) for name in ("one", "two", "three")])
    body = f"channels: ['{channel}']\ndependencies: [PACKAGES]\n"
    run = ("-E", "environment.yml", "--command", "true")
    localrun.write("environment.yml", body.replace("PACKAGES", "one, two"))
    found = explain(localrun, *run)["environment"]
    assert (found["hit"], found["reason"]) == (False, "never made; no other is cached")
    assert localrun.run("-q", *run).returncode == 0
    first = explain(localrun, *run)["environment"]
    assert first["hit"]
    localrun.write("environment.yml", body.replace("PACKAGES", "one, three"))
    found = explain(localrun, *run)["environment"]
    assert (found["hit"], found["nearest"]) == (False, first["entry"])
    assert found["differences"] == [{"field": "conda", "before": ["one", "two"], "after": ["one", "three"]}]
    told = localrun.command("plan", "--explain", *run).stdout.decode()
    assert "miss:" in told
    assert "conda: -two +three" in told


def test_unchanged_files_of_the_source_are_known(localrun):
    localrun.write("train.py", "print(1)")
    os.utime(os.path.join(localrun.source, "train.py"), (1, 1))
    assert not explain(localrun, "train.py")["snapshot"]["hit"]
    assert "0 of 1" in explain(localrun, "train.py")["snapshot"]["reason"]

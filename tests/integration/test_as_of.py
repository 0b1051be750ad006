"""Environments as of a day: of conda and of pip, what was there then."""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import datetime

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from channel_kit import link_or_copy
from environment_kit import fill_channel, text_package

pytestmark = pytest.mark.channel


def set_dates(folder, dates, otherwise="2020-01-01"):
    """Say in the index of a channel on disk when its packages were added."""
    for subdir in os.listdir(folder):
        path = os.path.join(folder, subdir, "repodata.json")
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as file:
            index = json.load(file)
        for name, record in index["packages.conda"].items():
            day = datetime.fromisoformat(dates.get(name, otherwise) + "T12:00:00+00:00")
            record["timestamp"] = record["indexed_timestamp"] = int(day.timestamp() * 1000)
        shutil.rmtree(os.path.join(folder, subdir))
        os.makedirs(os.path.join(folder, subdir))
        with open(path, "w", encoding="utf-8") as file:
            json.dump(index, file)


@pytest.fixture
def channel(tmp_path):
    folder = tmp_path / "channel"
    fill_channel(folder, [text_package("part", "1.0"), text_package("part", "2.0")])
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    set_dates(folder, {"part-1.0-0.conda": "2023-01-01", "part-2.0-0.conda": "2024-03-01"})
    for name in ("part-1.0-0.conda", "part-2.0-0.conda"):
        shutil.copy(kept / "noarch" / name, folder / "noarch")
    return folder


def versions(prefix):
    with open(prefix + ".versions.json", encoding="utf-8") as file:
        found = json.load(file)
    return {package["name"]: package["version"] for package in (*found["conda"], *found["pip"])}


@pytest.mark.parametrize(("day", "version"), [("2024-02-29", "1.0"), ("2024-03-01", "2.0")])
def test_conda_part_is_of_that_day_and_the_day_is_part_of_the_definition(localrun, channel, day, version):
    localrun.write("environment.yml", json.dumps({"channels": [f"file://{channel}"], "dependencies": ["part"]}))
    made = localrun.command("env", "build", "--as-of", day, "environment.yml")
    assert made.returncode == 0, made.stderr
    assert versions(made.stdout.decode().strip()) == {"part": version}
    without = json.loads(localrun.command("plan", "--format", "json", "-E", "environment.yml", "--command", "x").stdout)
    dated = json.loads(
        localrun.command("plan", "--format", "json", "-E", "environment.yml", "--as-of", day, "--command", "x").stdout
    )
    assert dated["environment"]["as_of"] == f"{day}T23:59:59Z"
    assert made.stdout.decode().strip().endswith(dated["environment"]["name"])
    assert without["environment"]["fingerprint"] != dated["environment"]["fingerprint"]


def test_package_that_came_later_is_not_there(localrun, channel):
    localrun.write("environment.yml", json.dumps({"channels": [f"file://{channel}"], "dependencies": ["part"]}))
    refused = localrun.command("env", "build", "--as-of", "2022-12-31", "environment.yml")
    assert refused.returncode == 125
    assert b"kind=solve" in refused.stderr


@pytest.mark.pypi
@pytest.mark.usefixtures("warm_workspace")
def test_pip_part_is_of_that_day(localrun, python_channel, tmp_path):
    whole = python_channel.removeprefix("file://")
    dated = tmp_path / "dated"
    shutil.copytree(whole, dated)
    set_dates(dated, {})
    for subdir in ("noarch", "linux-64"):
        for name in os.listdir(os.path.join(whole, subdir)):
            if name.endswith(".conda"):
                link_or_copy(os.path.join(whole, subdir, name), dated / subdir / name)
    conda = {"channels": [f"file://{dated}"], "dependencies": ["python", "pip", {"pip": ["click"]}]}
    localrun.write("environment.yml", json.dumps(conda))
    made = localrun.command("env", "build", "--as-of", "2023-08-01", "environment.yml", timeout=250)
    assert made.returncode == 0, made.stderr
    # PyPI: click 8.1.6 is of 2023-07-18, click 8.1.7 of 2023-08-17.
    assert versions(made.stdout.decode().strip())["click"] == "8.1.6"


def test_date_without_packages_to_choose_is_refused(localrun):
    localrun.write("t.py", "")
    refused = localrun.run("--as-of", "2024-01-01", "t.py")
    assert refused.returncode == 125
    assert b"--as-of" in refused.stderr

"""What belongs to a snapshot, held against azure-ai-ml's own functions."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from localrun.plan import SourcePlan
from localrun.workspace.snapshot import list_source

PROGRAM = """
import json, os, sys
from azure.ai.ml._utils._asset_utils import get_ignore_file, get_upload_files_from_folder
for folder in sys.argv[1:]:
    found = get_upload_files_from_folder(folder, ignore_file=get_ignore_file(folder))
    print(json.dumps(sorted(name for _, name in found)))
"""
FILES = (
    "train.py", ".env", "outputs/old", "__pycache__/a.pyc", "data/a.csv", "data/keep/b.csv", "data/c.txt", "Logs/x", "logs/x",
    "deep/er/data/d.csv", "with space.txt", "#hash", "!bang", "a.b.c", "build/x/y", "notbuild/y", ".git/config", "x.csv",
)  # fmt: skip
RULES = {
    "none": {},
    "git": {".gitignore": "*.csv\n"},
    "aml-wins": {".amlignore": "logs/\n", ".gitignore": "*.csv\n"},
    "empty-aml": {".amlignore": "", ".gitignore": "*.csv\n"},
    "again": {".amlignore": "data/\n!data/keep/b.csv\n"},
    "last-wins": {".amlignore": "!train.py\n*.py\n"},
    "anchored": {".amlignore": "/data\n/build/\n"},
    "stars": {".amlignore": "**/data/*.csv\ndeep/**\n"},
    "escapes": {".amlignore": "\\#hash\n\\!bang\nwith\\ space.txt\n"},
    "classes": {".amlignore": "[ab].*\n?.csv\n"},
    "comments": {".amlignore": "# all\n\n  \n*.txt   \n"},
    "crlf": {".amlignore": "*.csv\r\nlogs/\r\n"},
    "nested-counts-for-nothing": {"data/.amlignore": "*\n", "data/.gitignore": "*\n"},
    "folder-without-slash": {".amlignore": "data\n"},
    "indented": {".amlignore": "  logs/\n\t*.csv\n \t!data/a.csv\n"},
    "case": {".amlignore": "LOGS/\nTRAIN.PY\n"},
}


@pytest.fixture(scope="module")
def uploads(oracle_v2, tmp_path_factory):
    """Give for each name of the rules a source folder with them, and what the SDK would upload of it."""
    top = tmp_path_factory.mktemp("rules")
    folders = [make_source(top / name / "source", rules) for name, rules in RULES.items()]
    environ = {key: text for key, text in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run([oracle_v2, "-c", PROGRAM, *folders], capture_output=True, env=environ, check=True, text=True)
    answers = done.stdout.splitlines()[-len(RULES) :]
    return {name: (folder, json.loads(answer)) for name, folder, answer in zip(RULES, folders, answers, strict=True)}


def make_source(folder, rules):
    for path in FILES:
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(path)
    for path, text in rules.items():
        (folder / path).write_bytes(text.encode())
    return str(folder)


@pytest.mark.parametrize("name", RULES)
def test_snapshot_holds_what_the_sdk_would_upload(uploads, name):
    folder, theirs = uploads[name]
    ours = sorted(entry.path for entry in list_source(SourcePlan(directory=folder)) if entry.kind == "file")
    assert ours == [item.removeprefix("source/") for item in theirs]

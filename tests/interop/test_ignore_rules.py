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
found = get_upload_files_from_folder(sys.argv[1], ignore_file=get_ignore_file(sys.argv[1]))
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
    "case": {".amlignore": "LOGS/\nTRAIN.PY\n"},
}


@pytest.mark.parametrize("name", RULES)
def test_snapshot_holds_what_the_sdk_would_upload(oracle_v2, tmp_path, name):
    for path in FILES:
        place = tmp_path / "source" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(path)
    for path, text in RULES[name].items():
        (tmp_path / "source" / path).write_bytes(text.encode())
    folder = str(tmp_path / "source")
    environ = {key: text for key, text in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run([oracle_v2, "-c", PROGRAM, folder], capture_output=True, env=environ, check=True, text=True)
    theirs = json.loads(done.stdout.splitlines()[-1])
    ours = sorted(entry.path for entry in list_source(SourcePlan(directory=folder)) if entry.kind == "file")
    assert ours == [item.removeprefix("source/") for item in theirs]

"""What is looked at before a plan is made."""

from __future__ import annotations

import os

import pytest

from localrun.adapters.files import Reading
from localrun.adapters.host import probe_host
from localrun.spec import RunSpec


@pytest.mark.parametrize(("inside", "kind"), [("new/results", "missing"), ("", "folder"), ("file", "file")])
def test_a_place_of_outputs_is_locked_where_nothing_may_be_written(tmp_path, monkeypatch, inside, kind):
    (tmp_path / "file").touch()
    place = str(tmp_path / inside) if inside else str(tmp_path)
    spec = RunSpec(outputs_directory=place)
    assert dict(probe_host(spec, {}, Reading()).paths)[place] == kind
    monkeypatch.setattr(os, "access", lambda path, mode: not path.startswith(str(tmp_path)))
    assert dict(probe_host(spec, {}, Reading()).paths)[place] == ("file" if kind == "file" else "locked")


def test_a_source_folder_that_a_run_works_in_is_looked_at_too(tmp_path, monkeypatch):
    (tmp_path / "logs").touch()
    spec = RunSpec(source_directory=str(tmp_path), in_place=True)
    monkeypatch.setattr(os, "access", lambda path, mode: not path.startswith(str(tmp_path)))
    found = dict(probe_host(spec, {}, Reading()).paths)
    assert (found[f"{tmp_path}/outputs"], found[f"{tmp_path}/logs"]) == ("locked", "file")

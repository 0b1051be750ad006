"""Files that are no files, and settings that are too large: each is told with its path."""

from __future__ import annotations

import os

import pytest

from localrun.adapters import engine_endpoints, tool_settings
from localrun.adapters.files import Reading, find_near, read_named
from localrun.adapters.host import hash_tree
from localrun.adapters.ignore_rules import read_ignore_rules
from localrun.adapters.ports import reserve_ports
from localrun.errors import BadInput, LocalrunError, StoreFailed


def refused(path, work):
    with pytest.raises(BadInput) as caught:
        work()
    assert caught.value.file == str(path)
    assert caught.value.hint
    return caught.value.message


def test_a_pipe_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "job.yml")
    said = refused(tmp_path / "job.yml", lambda: read_named(str(tmp_path / "job.yml"), Reading()))
    assert said.endswith("job.yml: it is not a regular file")


def test_no_name_is_near_where_there_is_no_folder(tmp_path):
    assert find_near(str(tmp_path / "none" / "train.py")) == ""
    assert find_near("a\0b/train.py") == ""


def test_an_ignore_file_that_is_a_pipe_is_told(tmp_path):
    os.mkfifo(tmp_path / ".amlignore")
    said = refused(tmp_path / ".amlignore", lambda: read_ignore_rules(str(tmp_path)))
    assert said.endswith("the ignore file cannot be read: it is not a regular file")


def test_an_ignore_file_with_a_line_that_is_no_pattern_is_told_with_the_line(tmp_path):
    (tmp_path / ".amlignore").write_text("data/\n!\n")
    rules = read_ignore_rules(str(tmp_path))
    with pytest.raises(BadInput, match="'!' is not a pattern") as caught:
        rules.leave_out("a")
    assert (caught.value.file, caught.value.line) == (str(tmp_path / ".amlignore"), 2)


def test_a_project_s_settings_in_a_folder_or_too_large_are_told(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.mkdir()
    assert "Is a directory" in refused(path, lambda: tool_settings.read_tool_settings(str(tmp_path), {}))
    path.rmdir()
    path.write_bytes(b" " * (tool_settings.SIZE_LIMIT + 1))
    assert "too large" in refused(path, lambda: tool_settings.read_tool_settings(str(tmp_path), {}))


def test_docker_s_settings_in_a_folder_or_too_large_are_told(tmp_path):
    path = tmp_path / "config.json"
    path.mkdir()
    assert "Is a directory" in refused(path, lambda: engine_endpoints.read_settings(str(tmp_path)))
    path.rmdir()
    path.write_bytes(b" " * (engine_endpoints.SETTINGS_LIMIT + 1))
    assert "too large" in refused(path, lambda: engine_endpoints.read_settings(str(tmp_path)))


def test_a_context_of_docker_that_cannot_be_read_does_not_hide_the_others(tmp_path):
    for name, text in (("1", "{"), ("2", '{"Name": "mine"}'), ("3", "[]"), ("4", "{}")):
        (tmp_path / "contexts" / "meta" / name).mkdir(parents=True)
        (tmp_path / "contexts" / "meta" / name / "meta.json").write_text(text)
    assert engine_endpoints.list_contexts(str(tmp_path)) == ["mine"]


def test_the_hash_of_a_folder_is_of_names_and_contents_and_of_no_bytecode(tmp_path):
    (tmp_path / "package" / "deep").mkdir(parents=True)
    (tmp_path / "package" / "deep" / "a.py").write_text("1")
    first = hash_tree(str(tmp_path / "package"))
    (tmp_path / "package" / "__pycache__").mkdir()
    (tmp_path / "package" / "__pycache__" / "a.pyc").write_text("2")
    assert hash_tree(str(tmp_path / "package")) == first
    (tmp_path / "package" / "pipe").symlink_to("nowhere")
    named = hash_tree(str(tmp_path / "package"))
    (tmp_path / "package" / "deep" / "a.py").write_text("2")
    assert len({first, named, hash_tree(str(tmp_path / "package")), hash_tree(str(tmp_path / "none"))}) == 4


def test_ports_cannot_be_reserved_below_a_file_nor_more_than_there_are(tmp_path):
    (tmp_path / "ports").write_text("")
    with pytest.raises(StoreFailed, match=f"no port can be reserved in {tmp_path}/ports"):
        reserve_ports(str(tmp_path))
    (tmp_path / "ports").unlink()
    with pytest.raises(LocalrunError, match="no row of 20000 ports between 20000 and 29999 is free"):
        reserve_ports(str(tmp_path), 20_000)

"""The settings of a project, and what goes before them."""

from __future__ import annotations

import pytest

from localrun.adapters.tool_settings import ToolSettings, read_tool_settings
from localrun.errors import BadInput


def test_no_file_and_no_table_say_nothing(tmp_path):
    assert read_tool_settings(str(tmp_path), {}) == ToolSettings()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "localrun-of-mine"\n')
    assert read_tool_settings(str(tmp_path), {}) == ToolSettings()


def test_the_table_is_read_and_a_variable_goes_before_it(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.localrun]\nregistry = "r:5000/team"\n')
    assert read_tool_settings(str(tmp_path), {}).registry == "r:5000/team"
    assert read_tool_settings(str(tmp_path), {"LOCALRUN_REGISTRY": " other:1 "}).registry == "other:1"
    assert not read_tool_settings(str(tmp_path), {"LOCALRUN_REGISTRY": ""}).registry


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[tool.localrun]\nregistri = "x"\n', "tool.localrun.registri"),
        ("[tool.localrun]\nregistry = 5000\n", "tool.localrun.registry"),
        ("[tool]\nlocalrun = 1\n", "tool.localrun"),
        ("[tool.localrun\n", "not valid TOML"),
    ],
)
def test_what_cannot_be_used_is_told_with_file_and_key(tmp_path, text, words):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(BadInput, match=words) as told:
        read_tool_settings(str(tmp_path), {})
    assert told.value.file == str(tmp_path / "pyproject.toml")
    assert told.value.hint

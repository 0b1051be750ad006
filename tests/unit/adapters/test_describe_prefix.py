from __future__ import annotations

from localrun.adapters.describe_prefix import PATH, find_changes, has_scripts, list_variables


def test_variables_come_from_the_files_of_the_prefix_and_the_state_file_wins(tmp_path):
    folder = tmp_path / "etc" / "conda" / "env_vars.d"
    folder.mkdir(parents=True)
    (folder / "b.json").write_text('{"A": "2", "B": 3, "C": null}')
    (folder / "a.json").write_text('{"A": "1"}')
    (folder / "c.json").write_text("[")
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "state").write_text('{"env_vars": {"B": "state"}}')
    named = {"CONDA_PREFIX": str(tmp_path), "CONDA_DEFAULT_ENV": tmp_path.name, "CONDA_SHLVL": "1"}
    assert list_variables(str(tmp_path)) == named | {"A": "2", "B": "state"}
    assert not has_scripts(str(tmp_path))


def test_what_scripts_change_is_told_apart_from_what_the_shell_does():
    path = f"/p/bin:{PATH}"
    before = f"A=1\0SHLVL=1\0PATH={path}\0"
    after = f"A=1\0B=x=\ny\0SHLVL=2\0PATH=/p/first:/p/second:{path}\0"
    assert find_changes(f"{before}\1\0{after}", path) == ({"B": "x=\ny"}, ["/p/first", "/p/second"])
    assert find_changes(f"{before}\1\0{before}", path) == ({}, [])

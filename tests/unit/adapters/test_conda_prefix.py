from __future__ import annotations

import json
import os

import pytest

from localrun.adapters.conda_prefix import channel_name, conda_mapping, find_conda_prefix, read_conda_prefix
from localrun.errors import BadInput


def make_prefix(path, packages, pip=(), owned=()):
    (path / "conda-meta").mkdir(parents=True)
    (path / "conda-meta" / "history").write_text("")
    site = path / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    for name, version, channel in packages:
        files = [f"lib/python3.11/site-packages/{name}-{version}.dist-info/METADATA"] if name in owned else []
        record = {"name": name, "version": version, "build": "0", "channel": channel, "files": files}
        (path / "conda-meta" / f"{name}-{version}-0.json").write_text(json.dumps(record))
        if name in owned:
            make_distribution(site, name, version)
    for name, version, origin in pip:
        make_distribution(site, name, version, origin)
    return path


def make_distribution(site, name, version, origin=None):
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: nonsense\n")
    if origin:
        (folder / "direct_url.json").write_text(json.dumps(origin))


@pytest.fixture
def user(tmp_path):
    (tmp_path / ".conda").mkdir()
    return tmp_path


FORGE = "https://conda.anaconda.org/conda-forge/linux-64"


def test_conda_and_pip_packages_and_channels_are_read(user):
    prefix = make_prefix(
        user / "work" / "myenv",
        [
            ("python", "3.11.4", "https://repo.anaconda.com/pkgs/main/linux-64"),
            ("numpy", "1.26.4", FORGE),
            ("pip", "24.0", "https://conda.anaconda.org/conda-forge/noarch"),
        ],
        pip=[
            ("requests", "2.32.0", None),
            ("mine", "1.0", {"url": "file:///src/mine", "dir_info": {"editable": True}}),
            ("tool", "2.0", {"url": "https://u:p@git.example/tool", "vcs_info": {"vcs": "git", "commit_id": "abc"}}),
            ("wheel_here", "3.0", {"url": "file:///w/wheel_here-3.0-py3-none-any.whl", "archive_info": {}}),
        ],
        owned=("numpy", "pip"),
    )
    found = read_conda_prefix(str(prefix), {}, str(user))
    assert conda_mapping(found) == {
        "name": "myenv",
        "channels": ["conda-forge", "defaults"],
        "dependencies": [
            "numpy=1.26.4", "pip=24.0", "python=3.11.4",
            {"pip": ["-e /src/mine", "requests==2.32.0", "tool @ git+https://git.example/tool@abc",
                     "wheel_here @ file:///w/wheel_here-3.0-py3-none-any.whl"]},
        ],
    }  # fmt: skip


def test_channels_follow_the_users_settings(user):
    prefix = make_prefix(user / "e", [("a", "1", "conda-forge"), ("b", "1", "conda-forge"), ("c", "1", "pytorch")])
    (user / ".condarc").write_text("channels: [pytorch, conda-forge]\n")
    assert read_conda_prefix(str(prefix), {}, str(user)).channels == ("pytorch", "conda-forge")


def test_name_is_found_in_environments_txt_and_in_configured_folders(user):
    listed = make_prefix(user / "far" / "listed", [])
    (user / ".conda" / "environments.txt").write_text(f"/gone/listed\n{listed}\n")
    configured = make_prefix(user / "envs" / "configured", [])
    (user / ".condarc").write_text(f"envs_dirs: [{user / 'envs'}]\n")
    root = make_prefix(user / "mamba" / "envs" / "inroot", [])
    environ = {"MAMBA_ROOT_PREFIX": str(user / "mamba")}
    for path in (listed, configured, root):
        assert read_conda_prefix(path.name, environ, str(user)).path == os.path.realpath(path)


@pytest.mark.parametrize("name", ["", "nothere", "../e", "a\nb", "./no"])
def test_missing_environment_is_named_in_the_words_of_the_original(user, name):
    with pytest.raises(BadInput, match="Could not find existing conda environment named"):
        find_conda_prefix(name, {}, str(user))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"name": "a"}', '{"name": "a\\nb", "version": "1"}'])
def test_damaged_record_is_named(user, text):
    prefix = make_prefix(user / "e", [])
    (prefix / "conda-meta" / "broken-1-0.json").write_text(text)
    with pytest.raises(BadInput, match="broken-1-0"):
        read_conda_prefix(str(prefix), {}, str(user))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (FORGE, "conda-forge"),
        ("conda-forge", "conda-forge"),
        ("https://repo.anaconda.com/pkgs/main/noarch", "defaults"),
        ("pkgs/main", "defaults"),
        ("https://user:pw@host.example/chan/linux-64", "https://host.example/chan"),
        ("https://host.example/t/secret-token/chan/noarch", "https://host.example/chan"),
        ("https://conda.anaconda.org/pytorch/linux-64/x-1-0.conda", "pytorch"),
        ("file:///srv/channel/linux-64", "file:///srv/channel"),
        ("<unknown>", ""),
        ("", ""),
    ],
)
def test_channel_is_written_as_in_a_conda_file_without_credentials(text, name):
    assert channel_name(text) == name


def test_an_installation_is_found_by_the_program_that_the_shell_names(tmp_path, user):
    made = make_prefix(tmp_path / "conda" / "envs" / "mine", [("python", "3.11.0", "conda-forge")])
    environ = {"CONDA_EXE": str(tmp_path / "conda" / "bin" / "conda")}
    assert find_conda_prefix("mine", environ, str(user)) == str(made)


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("{", "p==1"),
        ("[]", "p==1"),
        ('{"url": 5}', "p==1"),
        ('{"url": "file:///here", "dir_info": {"editable": true}}', "-e /here"),
        (
            '{"url": "https://me:word@host/p.git", "vcs_info": {"vcs": "git", "commit_id": "c"}}',
            "p @ git+https://host/p.git@c",
        ),
        ('{"url": "https://host/p.whl"}', "p @ https://host/p.whl"),
    ],
)
def test_where_a_pip_package_came_from_is_said_and_damage_is_passed_over(tmp_path, user, origin, said):
    prefix = make_prefix(tmp_path / "e", [("python", "3.11.0", "conda-forge")], pip=[("p", "1", None)])
    (prefix / "lib" / "python3.11" / "site-packages" / "p-1.dist-info" / "direct_url.json").write_text(origin)
    (prefix / "lib" / "python3.11" / "site-packages" / "broken.dist-info").mkdir()
    assert read_conda_prefix(str(prefix), {}, str(user)).pip == (said,)

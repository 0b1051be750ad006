from __future__ import annotations

import os

import pytest

from localrun.errors import BadInput
from localrun.workspace.wheels import keep_wheel

NAME = "mine-1.0-py3-none-any.whl"


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / NAME
    path.write_bytes(b"PK\x03\x04one")
    return path


@pytest.fixture
def home(tmp_path):
    return str(tmp_path / "home")


def test_wheel_is_kept_by_content_and_outlives_its_file(home, wheel):
    url = keep_wheel(home, str(wheel))
    wheel.unlink()
    path = url.removeprefix("file://")
    assert path.startswith(f"{home}/wheels/")
    assert os.path.basename(path) == NAME
    with open(path, "rb") as file:
        assert file.read() == b"PK\x03\x04one"


def test_same_name_needs_exist_ok_and_new_content_gets_a_new_place(home, wheel):
    first = keep_wheel(home, str(wheel))
    with pytest.raises(BadInput, match=f"A wheel with the name {NAME} already exists"):
        keep_wheel(home, str(wheel))
    assert keep_wheel(home, str(wheel), exist_ok=True) == first
    wheel.write_bytes(b"PK\x03\x04two")
    assert keep_wheel(home, str(wheel), exist_ok=True) != first


@pytest.mark.parametrize(
    "name", ["no.whl", "mine-1.0.tar.gz", "a b-1.0-py3-none-any.whl", "mine-1.0-py3-none-any.whl\n"]
)
def test_what_is_not_named_like_a_wheel_is_refused(home, tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    with pytest.raises(BadInput):
        keep_wheel(home, str(tmp_path / name))
    assert not os.path.exists(home)


def test_missing_file_and_folder_and_text_are_refused(home, tmp_path):
    with pytest.raises(BadInput, match=r"Please make sure the wheel file exists at: no\.whl"):
        keep_wheel(home, "no.whl")
    with pytest.raises(BadInput):
        keep_wheel(home, str(tmp_path))
    (tmp_path / NAME).write_text("text")
    with pytest.raises(BadInput, match="no zip archive"):
        keep_wheel(home, str(tmp_path / NAME))

from __future__ import annotations

import base64
import os

import pytest

from localrun.secrets import scan
from localrun.secrets.masks import list_needles
from localrun.secrets.scan import note_secrets

NEEDLES = list_needles(["the-planted-value"])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "wd" / "outputs" / "deep").mkdir(parents=True)
    (tmp_path / "outputs").symlink_to(tmp_path / "wd" / "outputs")
    return tmp_path


def test_files_that_hold_a_secret_are_named(folder):
    (folder / "outputs" / "deep" / "config.json").write_bytes(base64.b64encode(b"the-planted-value"))
    (folder / "outputs" / "model").write_bytes(b"nothing")
    (note,) = note_secrets(str(folder), NEEDLES)
    assert note.startswith("secret_in_outputs: a secret stands in outputs/deep/config.json;")
    assert "planted" not in note


def test_a_secret_across_two_reads_is_found(folder, monkeypatch):
    monkeypatch.setattr(scan, "CHUNK", 16)
    (folder / "outputs" / "a").write_bytes(b"x" * 9 + b"the-planted-value" + b"y" * 9)
    assert note_secrets(str(folder), NEEDLES)


def test_links_are_not_followed(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("the-planted-value")
    (folder / "outputs" / "link").symlink_to(outside)
    assert note_secrets(str(folder), NEEDLES) == []


def test_a_file_that_may_not_be_read_is_passed_over(refusable):
    outputs = os.path.join(refusable, "outputs")
    os.mkdir(outputs)
    for name in ("a", "b"):
        with open(os.path.join(outputs, name), "wb") as file:
            file.write(b"the-planted-value")
    os.chmod(os.path.join(outputs, "a"), 0)
    (note,) = note_secrets(refusable, NEEDLES)
    assert "outputs/b" in note
    assert "outputs/a" not in note

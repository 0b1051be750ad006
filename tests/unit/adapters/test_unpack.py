from __future__ import annotations

import io
import os
import tarfile

import pytest

from localrun.adapters.unpack import unpack_archive
from localrun.errors import LocalrunError


def make(*members):
    """Give the bytes of an archive: name, type, and content or goal of each member."""
    store = io.BytesIO()
    with tarfile.open(fileobj=store, mode="w") as archive:
        for name, kind, text in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.uid = kind, 0o444, 4321
            if kind == tarfile.REGTYPE:
                info.size = len(text)
            else:
                info.linkname = text
            archive.addfile(info, io.BytesIO(text.encode()))
    return [store.getvalue()[at : at + 700] for at in range(0, len(store.getvalue()), 700)]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("outside")
    return tmp_path / "in"


def test_files_folders_and_links_of_an_archive_are_made(folder):
    pieces = make(
        ("outputs/", tarfile.DIRTYPE, ""),
        ("outputs/deep/a", tarfile.REGTYPE, "a" * 3000),
        ("outputs/deep/b", tarfile.SYMTYPE, "../deep/a"),
        ("outputs/c", tarfile.LNKTYPE, "outputs/deep/a"),
    )
    assert unpack_archive(pieces, str(folder)) == []
    assert [(folder / "outputs" / name).read_text() for name in ("deep/a", "deep/b", "c")] == ["a" * 3000] * 3
    assert (folder / "outputs" / "deep" / "a").stat().st_uid == os.geteuid()


@pytest.mark.parametrize(
    "member",
    [
        ("../secret", tarfile.REGTYPE, "x"),
        ("/secret", tarfile.REGTYPE, "x"),
        ("outputs/../../secret", tarfile.REGTYPE, "x"),
        ("outputs/l", tarfile.SYMTYPE, "../../secret"),
        ("outputs/l", tarfile.SYMTYPE, "/etc/passwd"),
        ("outputs/l", tarfile.SYMTYPE, "a/../../../secret"),
        ("outputs/l", tarfile.SYMTYPE, ".."),
        ("outputs", tarfile.SYMTYPE, ".."),
        ("outputs/l", tarfile.LNKTYPE, "../secret"),
        ("outputs/l", tarfile.LNKTYPE, "/etc/passwd"),
        ("outputs/l", tarfile.FIFOTYPE, ""),
        ("outputs/l", tarfile.CHRTYPE, ""),
    ],
)
def test_what_lies_or_leads_outside_is_left_out_and_named(folder, member):
    assert unpack_archive(make(member), str(folder)) == [member[0]]
    assert (folder.parent / "secret").read_text() == "outside"
    assert not os.path.lexists(folder / "outputs" / "l")


def test_nothing_is_written_through_a_link(folder):
    (folder / "outputs").symlink_to(folder.parent)
    assert unpack_archive(make(("outputs/secret", tarfile.REGTYPE, "x")), str(folder)) == ["outputs/secret"]
    assert (folder.parent / "secret").read_text() == "outside"


def test_a_link_that_is_there_is_replaced_by_the_file_and_not_followed(folder):
    (folder / "a").symlink_to(folder.parent / "secret")
    assert unpack_archive(make(("a", tarfile.REGTYPE, "new")), str(folder)) == []
    assert ((folder / "a").read_text(), (folder.parent / "secret").read_text()) == ("new", "outside")


def test_what_is_there_stays_when_it_is_to_be_kept(folder):
    (folder / "a").write_text("old")
    assert (
        unpack_archive(make(("a", tarfile.REGTYPE, "new"), ("b", tarfile.REGTYPE, "new")), str(folder), keep=True) == []
    )
    assert ((folder / "a").read_text(), (folder / "b").read_text()) == ("old", "new")


def test_what_is_no_archive_is_told(folder):
    with pytest.raises(LocalrunError, match="no archive"):
        unpack_archive([b"nothing of the kind" * 100], str(folder))


def test_an_archive_that_ends_too_soon_is_told(folder):
    pieces = make(("a", tarfile.REGTYPE, "a" * 3000))
    with pytest.raises(LocalrunError, match="no archive: unexpected end of data"):
        unpack_archive(pieces[:2], str(folder))


def test_a_file_where_a_folder_belongs_is_left_and_a_folder_where_a_file_belongs_is_replaced(folder):
    (folder / "a").write_text("old")
    (folder / "b" / "deep").mkdir(parents=True)
    pieces = make(("a/below", tarfile.REGTYPE, "x"), ("b", tarfile.REGTYPE, "new"))
    assert unpack_archive(pieces, str(folder)) == ["a/below"]
    assert ((folder / "a").read_text(), (folder / "b").read_text()) == ("old", "new")

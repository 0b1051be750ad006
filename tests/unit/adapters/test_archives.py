"""Archives that are made while they are sent."""

from __future__ import annotations

import io
import os
import tarfile

import pytest

from localrun.adapters.archives import (
    Member,
    list_context_members,
    list_tree,
    measure_archive,
    write_archive,
    write_file_head,
)
from localrun.adapters.build_context import hash_context, list_context


def read(members):
    return tarfile.open(fileobj=io.BytesIO(b"".join(write_archive(members))))


def test_tree_keeps_contents_links_and_times(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").write_bytes(b"x" * 3_000_000)
    os.chmod(tmp_path / "bin/tool", 0o700)
    os.utime(tmp_path / "bin/tool", (1_600_000_000, 1_600_000_000))
    (tmp_path / "bin/link").symlink_to("tool")
    (tmp_path / "empty").touch(0o600)
    with read([Member(name="top", kind="folder", mode=0o755), *list_tree(str(tmp_path), "top/prefix")]) as archive:
        assert archive.getnames() == [
            "top", "top/prefix", "top/prefix/bin", "top/prefix/bin/link", "top/prefix/bin/tool", "top/prefix/empty",
        ]  # fmt: skip
        tool = archive.getmember("top/prefix/bin/tool")
        assert (tool.size, tool.mode, tool.mtime, tool.uid) == (3_000_000, 0o755, 1_600_000_000, 0)
        assert archive.extractfile(tool).read() == b"x" * 3_000_000
        assert archive.getmember("top/prefix/bin/link").linkname == "tool"
        assert archive.getmember("top/prefix/empty").mode == 0o644


@pytest.mark.parametrize(
    "member",
    [
        Member(name="ä" * 20, content=b"1", mtime=1_600_000_000),
        *[Member(name="n" * length, content=b"1") for length in (100, 101, 511, 512)],
        *[Member(name="n" * length, kind="folder", mode=0o755) for length in (99, 100)],
        *[Member(name="l" * length, kind="link", goal="g" * length) for length in (100, 101, 600)],
        Member(name="owner", owner=(8**7 - 1, 8**7)),
        Member(name="\udcff"),
    ],
)
def test_archive_is_what_tarfile_makes_of_the_same(member):
    info = tarfile.TarInfo(member.name)
    info.uid, info.gid = member.owner
    info.mode, info.mtime, info.size = member.mode, member.mtime, len(member.content)
    info.type = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}[member.kind]
    info.linkname = member.goal
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        archive.addfile(info, io.BytesIO(member.content))
    made = b"".join(write_archive([member]))
    assert made == target.getvalue()[: len(made)]
    assert not any(target.getvalue()[len(made) :])
    assert len(made) == measure_archive([member])


def test_file_of_any_size_and_time_can_be_announced():
    for size in (8**11 - 1, 8**11):
        assert tarfile.TarInfo.frombuf(write_file_head("large", size), "utf-8", "strict").size == size
    with read([Member(name="old", mtime=-1)]) as archive:
        assert archive.getmember("old").mtime == 0


def test_sizes_are_known_before_an_archive_is_written(tmp_path):
    (tmp_path / ("n" * 120)).write_bytes(b"x" * 1000)
    (tmp_path / "grows").write_bytes(b"y" * 100)
    (tmp_path / "shrinks").write_bytes(b"z" * 2000)
    (tmp_path / "link").symlink_to("t" * 150)
    members = [*list_tree(str(tmp_path), "top"), Member(name="said", content=b"1" * 513)]
    (tmp_path / "grows").write_bytes(b"y" * 3000)
    (tmp_path / "shrinks").write_bytes(b"z")
    data = b"".join(write_archive(members))
    assert len(data) == measure_archive(members)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        sizes = {name.rpartition("/")[2]: archive.getmember(name).size for name in archive.getnames()}
    assert (sizes["grows"], sizes["shrinks"], sizes["said"]) == (100, 2000, 513)


def context_of(folder, **files):
    for name, text in files.items():
        path = os.path.join(folder, name.replace("__", "/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return list_context(str(folder), "Dockerfile")


def test_context_leaves_fifos_out_and_names_them(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    context = context_of(tmp_path, Dockerfile="FROM a", data__x="1")
    assert context.skipped == ("pipe",)
    assert [one.path for one in context.files] == ["Dockerfile", "data", "data/x"]
    with read(list_context_members(context)) as archive:
        assert archive.getnames() == ["Dockerfile", "data", "data/x"]


def test_dockerignore_counts_and_the_dockerfile_stays(tmp_path):
    (tmp_path / ".dockerignore").write_text("# comment\n*\n!keep\n")
    context = context_of(tmp_path, Dockerfile="FROM a", keep="1", drop="2")
    assert {one.path for one in context.files} >= {"Dockerfile", "keep"}
    assert "drop" not in {one.path for one in context.files}


def test_hash_is_of_content_only(tmp_path):
    first = hash_context(context_of(tmp_path / "a", Dockerfile="FROM a", x="1"))
    os.utime(tmp_path / "a/x", (1, 1))
    assert hash_context(list_context(str(tmp_path / "a"), "Dockerfile")) == first
    assert hash_context(context_of(tmp_path / "b", Dockerfile="FROM a", x="1")) == first
    os.chmod(tmp_path / "a/x", 0o755)
    assert hash_context(list_context(str(tmp_path / "a"), "Dockerfile")) != first
    assert hash_context(context_of(tmp_path / "b", x="2")) != first
    (tmp_path / "b/x").rename(tmp_path / "b/y")
    assert hash_context(list_context(str(tmp_path / "b"), "Dockerfile")) != first

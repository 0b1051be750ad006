from __future__ import annotations

import errno
import os
import stat

import platformdirs
import pytest

from localrun.errors import BadInput, StoreFailed
from localrun.workspace import home


@pytest.fixture
def any_umask():
    old = os.umask(0)
    yield os.umask
    os.umask(old)


def test_home_is_the_folder_that_the_variable_names(tmp_path):
    assert home.open_home({"LOCALRUN_HOME": str(tmp_path / "a b" / "ü")}) == str(tmp_path / "a b" / "ü")


@pytest.mark.parametrize("data", ["", "relative", "/elsewhere"])
def test_home_is_where_platformdirs_says(tmp_path, monkeypatch, data):
    data = str(tmp_path) + data if data.startswith("/") else data
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", data)
    expected = platformdirs.user_data_dir("localrun", appauthor=False)
    if data != "relative":  # older platformdirs take a relative path, which the XDG specification refuses
        assert home.open_home({"HOME": str(tmp_path), "XDG_DATA_HOME": data}) == expected
    assert home.open_home({"HOME": str(tmp_path), "XDG_DATA_HOME": data}).startswith(str(tmp_path))


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_home_without_a_usable_home_comes_from_the_password_database(environ):
    import pwd

    assert home._home_path(environ) == os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".local/share/localrun")


def test_relative_variable_is_refused():
    with pytest.raises(BadInput, match="LOCALRUN_HOME=runs is not an absolute path"):
        home.open_home({"LOCALRUN_HOME": "runs"})


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_every_made_folder_is_0700_whatever_the_umask(tmp_path, any_umask, umask):
    any_umask(umask)
    path = home.open_home({"LOCALRUN_HOME": str(tmp_path / "a" / "b")})
    assert stat.S_IMODE(os.stat(path).st_mode) == stat.S_IMODE(os.stat(tmp_path / "a").st_mode) == 0o700


def test_symbolic_link_is_refused_and_the_folder_named(tmp_path):
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(StoreFailed, match="symbolic link") as caught:
        home.open_home({"LOCALRUN_HOME": str(tmp_path / "link")})
    assert caught.value.code == "store_owner"
    assert str(tmp_path / "real") in caught.value.hint


def test_folder_that_others_can_write_is_refused_with_the_command_that_mends_it(tmp_path):
    path = tmp_path / "shared"
    path.mkdir()
    path.chmod(0o770)
    with pytest.raises(StoreFailed, match="written by other users") as caught:
        home.open_home({"LOCALRUN_HOME": str(path)})
    assert caught.value.hint == f"Run: chmod go-w {path}"


def test_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="not a folder"):
        home.open_home({"LOCALRUN_HOME": str(tmp_path / "file")})


def test_somebody_elses_folder_is_refused(tmp_path):
    path, owner = "/usr", "root"
    if os.geteuid() == 0:  # to whom that folder belongs
        path, owner = tmp_path / "other", "12345"
        path.mkdir(0o700)
        os.chown(path, 12345, -1)
    with pytest.raises(StoreFailed, match=f"belongs to user {owner}"):
        home.open_home({"LOCALRUN_HOME": str(path)})


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "store_full"), (errno.EDQUOT, "store_full"), (errno.EROFS, "store_read_only"),
     (errno.EACCES, "store_read_only"), (errno.ENOLCK, "store_locks"), (errno.EMFILE, "no_process"), (errno.EIO, "store_corrupt")],
)  # fmt: skip
def test_system_errors_have_a_kind_and_a_hint(number, code):
    error = home.failed(OSError(number, os.strerror(number)), "/x")
    assert (error.code, "/x" in error.message, bool(error.hint)) == (code, True, True)


def test_tell_escapes_and_survives_a_closed_stderr(capsys, monkeypatch):
    home.tell("a\x1b[1mü")
    assert capsys.readouterr().err == "localrun: a\\x1b[1mü\n"
    monkeypatch.setattr("sys.stderr", None)
    home.tell("nobody hears")


def test_home_of_a_user_whom_nobody_knows_is_asked_for(monkeypatch):
    import pwd

    def forget(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", forget)
    with pytest.raises(BadInput, match=f"user {os.getuid()} has no home folder") as caught:
        home._home_path({"HOME": "relative"})
    assert caught.value.hint == "Set LOCALRUN_HOME to a folder of your own."


def test_folder_that_may_not_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere but on a read-only disk
    with pytest.raises(StoreFailed, match="cannot be written: Read-only file system") as caught:
        home.open_home({"LOCALRUN_HOME": str(tmp_path / "home")})
    assert caught.value.code == "store_read_only"

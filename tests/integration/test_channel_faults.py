"""Channels that are down, slow, wrong or private: a clear error in time, clean caches, and no credentials anywhere."""

from __future__ import annotations

import os
import sys
import time
import zipfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))  # tests are not packages
from environment_kit import fill_channel, make, make_plan, text_package

from localrun.errors import EnvironmentFailed
from localrun.testing.server import Fault, serve

PACKAGE = "*/many-1.0-0.conda"
SECRET = "s3cr3t-t0ken"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("channel")
    fill_channel(folder, [text_package("many", count=30), text_package("lib")])
    return str(folder)


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


def try_to_make(folder, home, faults, conda=("many",), **settings):
    with serve(folder, faults) as server:
        begin = time.monotonic()
        try:
            return make(make_plan(server.url, conda=conda), home, **settings), server
        finally:
            assert time.monotonic() - begin < 30


def fail_to_make(folder, home, faults, **settings):
    with pytest.raises(EnvironmentFailed) as caught:
        try_to_make(folder, home, faults, **settings)
    left = [name for name in os.listdir(home / "environments") if not name.endswith((".log", ".TAG"))]
    assert left == []
    assert caught.value.message.isprintable()
    assert all(part.isprintable() for part in caught.value.detail.split("\n"))
    return caught.value


@pytest.mark.parametrize("path", ["*repodata*", PACKAGE])
def test_one_failure_of_the_server_is_forgiven(folder, home, path):
    made, _ = try_to_make(folder, home, {path: Fault(status=500, times=1)})
    assert os.path.exists(f"{made.prefix}/share/many/3.txt")


@pytest.mark.parametrize(("path", "status"), [("*repodata*", 500), (PACKAGE, 502), ("*repodata*", 404), (PACKAGE, 404)])
def test_lasting_failure_of_the_server_is_told_with_url_and_status(folder, home, path, status):
    error = fail_to_make(folder, home, {path: Fault(status=status)})
    assert error.code == "channel"
    assert str(status) in error.message or status == 404
    assert "http://127.0.0.1:" in error.message


@pytest.mark.parametrize("path", ["*repodata*", PACKAGE])
def test_silent_server_is_given_up(folder, home, path):
    error = fail_to_make(folder, home, {path: Fault(stall_s=60, stall_after=100)}, no_progress_s=1.5)
    assert error.code == "channel"
    assert "no sign of life for 1.5 s" in error.message


@pytest.mark.parametrize(
    "fault", [Fault(truncate=300), Fault(flip=200), Fault(html="<html>sign in</html>"), Fault(truncate=0)]
)
def test_wrong_package_is_refused_and_the_cache_stays_clean(folder, home, fault):
    error = fail_to_make(folder, home, {PACKAGE: fault})
    assert error.code == "channel"
    assert "many" in error.message
    made, _ = try_to_make(folder, home, {})
    assert os.path.exists(f"{made.prefix}/share/many/3.txt")


def test_package_with_another_hash_than_its_index_says_is_refused(folder, home):
    error = fail_to_make(folder, home, {"*repodata*": Fault(hashes="wrong")})
    assert error.code == "channel"


def test_package_without_a_hash_is_refused(folder, home):
    error = fail_to_make(folder, home, {"*repodata*": Fault(hashes="missing")})
    assert error.code == "channel"
    assert "no hash for many 1.0" in error.message


def test_wrong_hash_in_a_folder_channel_is_refused(tmp_path, home):
    url = fill_channel(tmp_path / "channel", [text_package("many")])
    archive = next((tmp_path / "channel" / "noarch").glob("*.conda"))
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("more", "x")
    with pytest.raises(EnvironmentFailed, match=r"expected sha256 .* got ") as caught:
        make(make_plan(url), home)
    assert caught.value.code == "channel"


def test_broken_index_names_the_channel(folder, home):
    error = fail_to_make(folder, home, {"*repodata*": Fault(html='{"packages": ')})
    assert error.code == "channel"
    assert "127.0.0.1" in error.message


def test_nobody_there(home):
    with pytest.raises(EnvironmentFailed, match=r"http://127.0.0.1:9/.* could not be read") as caught:
        make(make_plan("http://127.0.0.1:9/nobody"), home)
    assert caught.value.code == "channel"


def test_offline_uses_what_is_cached_and_names_what_is_not(folder, home):
    with serve(folder) as server:
        plan = make_plan(server.url)
        make(plan, home)
        asked = len(server.requests)
        make(plan, home, offline=True, rebuild=True)
        with pytest.raises(EnvironmentFailed) as caught:
            make(make_plan(server.url, conda=("lib",)), home, offline=True)
        assert len(server.requests) == asked
    assert caught.value.code == "offline"
    assert "lib" in caught.value.message
    with pytest.raises(EnvironmentFailed) as caught:
        make(make_plan("http://127.0.0.1:9/other", conda=("lib",)), home, offline=True)
    assert caught.value.code == "offline"


def assert_no_secret(home):
    for folder, _, names in os.walk(home):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert SECRET.encode() not in file.read(), os.path.join(folder, name)


@pytest.mark.parametrize("way", ["url", "netrc", "store"])
def test_private_channel_leaves_no_credentials(folder, home, tmp_path, monkeypatch, way):
    with serve(folder, {"*": Fault(auth=f"user:{SECRET}")}) as server:
        host = server.url.removeprefix("http://")
        channel = f"http://user:{SECRET}@{host}" if way == "url" else server.url
        if way == "netrc":
            (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login user password {SECRET}\n")
            (tmp_path / "netrc").chmod(0o600)
            monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        elif way == "store":
            text = f'{{"127.0.0.1": {{"BasicHTTP": {{"username": "user", "password": "{SECRET}"}}}}}}'
            (tmp_path / "auth.json").write_text(text)
            monkeypatch.setenv("RATTLER_AUTH_FILE", str(tmp_path / "auth.json"))
        made = make(make_plan(channel), home)
    assert os.path.exists(f"{made.prefix}/share/many/3.txt")
    assert_no_secret(home)


def test_wrong_credentials_are_told_without_them(folder, home):
    with serve(folder, {"*": Fault(auth="user:other")}) as server:
        channel = f"http://user:{SECRET}@{server.url.removeprefix('http://')}"
        with pytest.raises(EnvironmentFailed, match="answered 401") as caught:
            make(make_plan(channel), home)
    assert SECRET not in caught.value.message + caught.value.detail + caught.value.hint
    assert_no_secret(home)


def test_condarc_says_where_a_channel_is(folder, home, tmp_path, monkeypatch):
    (tmp_path / "condarc").write_text(f"custom_channels:\n  mine: file://{os.path.dirname(folder)}\n")
    os.symlink(folder, os.path.join(os.path.dirname(folder), "mine"))
    monkeypatch.setenv("CONDARC", str(tmp_path / "condarc"))
    made = make(make_plan("mine"), home)
    assert os.path.exists(f"{made.prefix}/share/many/3.txt")


@pytest.mark.channel
def test_a_pip_package_that_fails_to_build_shows_its_own_words(python_channel, home, unpacked, tmp_path):
    unpacked(home)
    project = tmp_path / "broken"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "broken"\nversion = "1.0"\n'
    )
    (project / "backend.py").write_text("def build_wheel(*a, **k):\n    raise SystemExit('the compiler is not here')\n")
    plan = make_plan(python_channel, conda=("python",), pip=("./broken",), directory=str(tmp_path))
    with pytest.raises(EnvironmentFailed) as caught:
        make(plan, home)
    assert caught.value.code == "build_failed"
    assert "broken" in caught.value.message
    assert "the compiler is not here" in caught.value.detail
    assert not os.path.exists(home / "environments" / plan.name)


@pytest.mark.channel
def test_pip_requirements_that_cannot_be_met_are_named(python_channel, home, unpacked):
    unpacked(home)
    plan = make_plan(python_channel, conda=("python",), pip=("--no-index", "no-such-package==1.0"))
    with pytest.raises(EnvironmentFailed, match="no-such-package") as caught:
        make(plan, home)
    assert caught.value.code == "solve"


@pytest.mark.channel
def test_private_index_leaves_no_credentials(python_channel, home, unpacked, tmp_path, monkeypatch):
    unpacked(home)
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    (tmp_path / "simple").mkdir()
    index = f"--index-url http://user:{SECRET}@127.0.0.1:9/simple"
    plan = make_plan(python_channel, conda=("python",), pip=(index, "something"))
    with pytest.raises(EnvironmentFailed) as caught:
        make(plan, home)
    assert SECRET not in caught.value.message + caught.value.detail
    assert_no_secret(home)

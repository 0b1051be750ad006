"""Images fetched from a registry that wants to know who asks, sent to it, and looked up in it."""

from __future__ import annotations

import base64
import http.server
import ipaddress
import json
import os
import re
import stat
import sys
import threading

import pytest
from engine_kit import Engine as Client
from registry_kit import BreakingProxy, make_image, nobody

from localrun.adapters.docker_credentials import Credentials, find_credentials
from localrun.adapters.docker_errors import ImageFailed
from localrun.adapters.docker_registry import look_up, pull_image, push_image
from localrun.adapters.engine import connect, find_endpoint

CLIENT = Client()


@pytest.fixture(scope="module")
def api():
    one = connect(find_endpoint(os.environ, os.path.expanduser("~")))
    yield one
    one.close()


@pytest.fixture
def named(registry, request):
    """Give the name of a new image in the registry; it is removed from the engine at the end."""
    names = []

    def make(address=registry.address, **options):
        name = f"{address}/team/{re.sub('[^a-z0-9]+', '-', request.node.name)[:60].strip('-')}-{os.getpid()}-{len(names)}:one"
        names.append(name)
        make_image(CLIENT, name, **options)
        return name

    yield make
    for name in names:
        CLIENT.try_docker("image", "rm", "--force", name)


def known(registry):
    return Credentials(username=registry.user, password=registry.password)


def test_an_image_goes_to_the_registry_and_comes_back(api, registry, named):
    name = named(size=300_000)
    told = []
    assert look_up(api, name, credentials=known(registry)) is None
    digest = push_image(api, name, credentials=known(registry), report=lambda *given: told.append(given))
    assert look_up(api, name, credentials=known(registry)).digest == digest
    before = CLIENT.inspect(name, "image")["Id"]
    CLIENT.docker("image", "rm", name)
    pull_image(api, name, credentials=known(registry), report=lambda *given: told.append(given))
    found = CLIENT.inspect(name, "image")
    assert found["Id"] == before
    assert found["RepoDigests"] == [f"{name.rpartition(':')[0]}@{digest}"]
    assert {stage for stage, *_ in told} == {"push", "pull"}
    assert registry.password not in repr(told)


def test_a_digest_names_an_image_too(api, registry, named):
    name = named()
    digest = push_image(api, name, credentials=known(registry))
    by_digest = f"{name.rpartition(':')[0]}@{digest}"
    CLIENT.docker("image", "rm", name)
    pull_image(api, by_digest, credentials=known(registry))
    assert CLIENT.inspect(by_digest, "image")["RepoDigests"] == [by_digest]
    CLIENT.docker("image", "rm", by_digest)


def test_without_an_account_the_error_says_how_to_log_in(api, registry, named):
    name = named()
    for act in (push_image, pull_image, look_up):
        with pytest.raises(ImageFailed) as told:
            act(api, name)
        assert told.value.code == "registry_credentials"
        assert f"docker login {registry.address}" in told.value.hint


def test_a_wrong_password_is_told_with_the_account_and_never_shown(api, registry, named):
    name = named()
    wrong = Credentials(username=registry.user, password="wrong-and-secret")
    for act in (push_image, pull_image, look_up):
        with pytest.raises(ImageFailed) as told:
            act(api, name, credentials=wrong)
        assert told.value.code == "registry_credentials"
        assert f"does not know {registry.user}" in told.value.hint
        assert "wrong-and-secret" not in told.value.message + told.value.hint + repr(wrong)


def test_an_image_that_the_registry_lacks_is_told(api, registry):
    with pytest.raises(ImageFailed, match=r"team/nothing:here cannot be pulled") as told:
        pull_image(api, f"{registry.address}/team/nothing:here", credentials=known(registry))
    assert told.value.code == "image_not_found"


def test_another_platform_than_the_image_s_is_told(api, registry, named):
    name = named()
    push_image(api, name, credentials=known(registry))
    CLIENT.docker("image", "rm", name)
    with pytest.raises(ImageFailed) as told:
        pull_image(api, name, platform="linux/s390x", credentials=known(registry))
    assert told.value.code == "image_platform"


def test_docker_s_own_settings_know_the_account(api, registry, named, tmp_path):
    name = named()
    secret = base64.b64encode(f"{registry.user}:{registry.password}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": secret}}}))
    found = find_credentials(registry.address, {"DOCKER_CONFIG": str(tmp_path)}, "/nowhere")
    assert found.username == registry.user
    assert push_image(api, name, credentials=found).startswith("sha256:")
    assert not find_credentials("elsewhere:1", {"DOCKER_CONFIG": str(tmp_path)}, "/nowhere").account


def write_program(path, text):
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_a_credential_helper_knows_the_account(api, registry, named, tmp_path, monkeypatch, key):
    answer = {"ServerURL": registry.address, "Username": registry.user, "Secret": registry.password}
    write_program(tmp_path / "docker-credential-made", f"import sys; sys.stdin.read(); print({json.dumps(answer)!r})")
    settings = {"credsStore": "made"} if key == "credsStore" else {"credHelpers": {registry.address: "made"}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": os.environ["PATH"]}
    found = find_credentials(registry.address, environ, "/nowhere")
    assert push_image(api, named(), credentials=found).startswith("sha256:")


def test_a_helper_s_token_is_used_as_one(registry, tmp_path, monkeypatch):
    answer = {"ServerURL": registry.address, "Username": "<token>", "Secret": "t0ken"}
    write_program(tmp_path / "docker-credential-made", f"import sys; sys.stdin.read(); print({json.dumps(answer)!r})")
    (tmp_path / "config.json").write_text('{"credsStore": "made"}')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = find_credentials(registry.address, {"DOCKER_CONFIG": str(tmp_path)}, "/nowhere")
    assert (found.identity_token, found.username, found.account) == ("t0ken", "", "the holder of the token")


def test_a_helper_that_is_not_there_is_told_when_the_registry_wants_an_account(api, registry, named, tmp_path):
    (tmp_path / "config.json").write_text('{"credsStore": "that-nobody-has"}')
    found = find_credentials(registry.address, {"DOCKER_CONFIG": str(tmp_path)}, "/nowhere")
    with pytest.raises(ImageFailed) as told:
        push_image(api, named(), credentials=found)
    assert told.value.code == "registry_credentials"
    assert "docker-credential-that-nobody-has" in told.value.hint


def test_a_registry_that_is_not_there_is_told(api):
    for act in (pull_image, look_up):
        with nobody() as address, pytest.raises(ImageFailed) as told:
            act(api, f"{address}/team/image")
        assert told.value.code == "registry_unreachable"


def test_a_registry_that_the_engine_does_not_trust_is_told(api, registry):
    subnet = CLIENT.inspect("bridge", "network")["IPAM"]["Config"][0]["Subnet"]
    bridge = str(next(ipaddress.ip_network(subnet).hosts()))  # the engine trusts loopback addresses only
    with BreakingProxy(registry.port, break_after=1 << 30, host=bridge) as proxy, pytest.raises(ImageFailed) as told:
        pull_image(api, f"{proxy.address}/team/image", credentials=known(registry))
    assert told.value.code == "registry_tls"
    assert "insecure-registries" in told.value.hint


class Counting(http.server.BaseHTTPRequestHandler):
    """A registry that has had enough of us."""

    def do_GET(self):
        body = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}'
        self.send_response(429)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the server looks for this name

    def log_message(self, *_):
        pass


@pytest.mark.slow  # the engine itself waits for the registry's mercy
def test_a_registry_s_rate_limit_is_told(api):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(ImageFailed) as told:
            pull_image(api, f"127.0.0.1:{server.server_port}/team/image")
        server.shutdown()
    assert told.value.code == "registry_limit"
    assert "docker login" in told.value.hint


@pytest.mark.slow
def test_a_registry_that_goes_in_the_middle_of_a_push_and_comes_back_gets_the_image(api, registry, named):
    with BreakingProxy(registry.port, break_after=1_000_000, heals=1) as proxy:
        name = named(proxy.address, size=4_000_000)
        digest = push_image(api, name, credentials=known(registry), delays_s=(0.1, 0.1, 0.1))
        assert proxy.broken.is_set()
        assert look_up(api, name, credentials=known(registry)).digest == digest


def test_a_registry_that_is_gone_when_a_push_begins_is_tried_again_and_the_image_stays(api, named):
    told = []
    with nobody() as address:
        name = named(address)
        with pytest.raises(ImageFailed, match="it is still in the engine") as error:
            push_image(api, name, delays_s=(0.01, 0.01), report=lambda *given: told.append(given[1]))
    assert error.value.code == "registry_unreachable"
    assert sum("trying again" in text for text in told) == 2
    assert CLIENT.inspect(name, "image")["Id"]


@pytest.mark.slow
def test_a_registry_that_goes_in_the_middle_of_a_push_for_good_is_told_and_the_image_stays(api, registry, named):
    with BreakingProxy(registry.port, break_after=1_000_000) as proxy:
        name = named(proxy.address, size=4_000_000)
        with pytest.raises(ImageFailed, match="it is still in the engine") as error:
            push_image(api, name, credentials=known(registry), delays_s=())
    assert error.value.code == "registry_unreachable"
    assert CLIENT.inspect(name, "image")["Id"]


def test_a_password_is_in_no_log_and_no_image(api, registry, named):
    name = named()
    push_image(api, name, credentials=known(registry))
    shown = (
        json.dumps(CLIENT.inspect(name, "image")) + CLIENT.docker("image", "history", "--no-trunc", name) + registry.log
    )
    assert registry.password not in shown
    assert base64.b64encode(registry.password.encode()).decode() not in shown

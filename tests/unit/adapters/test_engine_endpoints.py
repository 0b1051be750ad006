"""Where the engine is, as the docker command line finds it."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from localrun.adapters.engine_endpoints import Endpoint, find_endpoint, list_contexts, make_endpoint, split_host
from localrun.adapters.engine_ssh import make_command
from localrun.errors import BadInput


def add_context(folder, name, docker, **files):
    entry = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / entry
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": docker}}))
    tls = folder / "contexts" / "tls" / entry / "docker"
    for file, text in files.items():
        tls.mkdir(parents=True, exist_ok=True)
        (tls / f"{file}.pem").write_text(text)
    return tls


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / ".docker"
    folder.mkdir()
    return folder


def test_docker_host_counts_more_than_a_context(settings, tmp_path):
    add_context(settings, "far", {"Host": "ssh://far"})
    environ = {"DOCKER_HOST": "unix:///a/b.sock", "DOCKER_CONTEXT": "far"}
    assert find_endpoint(environ, str(tmp_path)) == Endpoint(url="unix:///a/b.sock", origin="DOCKER_HOST")


def test_docker_context_counts_more_than_the_current_one(settings, tmp_path):
    add_context(settings, "far", {"Host": "ssh://ann@far:2222"})
    (settings / "config.json").write_text('{"currentContext": "other"}')
    found = find_endpoint({"DOCKER_CONTEXT": "far"}, str(tmp_path))
    assert found == Endpoint(url="ssh://ann@far:2222", origin="context far", remote=True)


def test_the_current_context_is_that_of_docker_config(settings, tmp_path):
    add_context(settings, "near", {"Host": "unix:///run/near.sock"})
    (settings / "config.json").write_text('{"currentContext": "near"}')
    found = find_endpoint({"DOCKER_CONFIG": str(settings)}, "/nowhere")
    assert (found.url, found.remote) == ("unix:///run/near.sock", False)


def test_a_context_brings_its_certificates(settings, tmp_path):
    tls = add_context(settings, "safe", {"Host": "tcp://engine:2376"}, ca="a", cert="b", key="c")
    found = find_endpoint({"DOCKER_CONTEXT": "safe"}, str(tmp_path))
    assert (found.ca, found.cert, found.key) == tuple(str(tls / f"{name}.pem") for name in ("ca", "cert", "key"))
    assert (found.tls, found.verify, found.remote) == (True, True, True)


def test_a_context_that_skips_the_check_of_certificates_is_obeyed(settings, tmp_path):
    add_context(settings, "lax", {"Host": "tcp://engine:2376", "SkipTLSVerify": True})
    found = find_endpoint({"DOCKER_CONTEXT": "lax"}, str(tmp_path))
    assert (found.tls, found.verify) == (True, False)


def test_docker_tls_verify_takes_the_certificates_of_docker_cert_path(tmp_path):
    (tmp_path / "ca.pem").write_text("x")
    environ = {"DOCKER_HOST": "tcp://e:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    found = find_endpoint(environ, "/nowhere")
    assert (found.tls, found.verify, found.ca, found.cert) == (True, True, str(tmp_path / "ca.pem"), "")


def test_a_context_that_is_not_there_is_told_with_those_that_are(settings, tmp_path):
    add_context(settings, "near", {"Host": "unix:///run/near.sock"})
    with pytest.raises(BadInput, match="DOCKER_CONTEXT: there is no docker context nera") as told:
        find_endpoint({"DOCKER_CONTEXT": "nera"}, str(tmp_path))
    assert "near" in told.value.hint
    assert list_contexts(str(settings)) == ["near"]


def test_a_context_without_an_engine_is_told_with_its_file(settings, tmp_path):
    add_context(settings, "empty", {})
    with pytest.raises(BadInput, match=r"meta\.json.*names no engine"):
        find_endpoint({"DOCKER_CONTEXT": "empty"}, str(tmp_path))


@pytest.mark.parametrize("text", ["{", "[]", "\x00", "[" * 2000])
def test_settings_that_cannot_be_read_are_told_with_their_file(settings, tmp_path, text):
    (settings / "config.json").write_text(text)
    with pytest.raises(BadInput, match=r"config\.json"):
        find_endpoint({}, str(tmp_path))


@pytest.mark.parametrize(
    "address",
    [
        "tcp://",
        "unix://",
        "ftp://host",
        "tcp://host:port",
        "tcp://host:0",
        "tcp://:2375",
        "unix:///a b",
        "ssh://-oProxyCommand=x",
        "fd://",
    ],
)
def test_nonsense_in_docker_host_is_told(address):
    with pytest.raises(BadInput, match="DOCKER_HOST"):
        find_endpoint({"DOCKER_HOST": address}, "/nowhere")


def test_a_password_for_ssh_is_refused_and_not_shown():
    with pytest.raises(BadInput) as told:
        find_endpoint({"DOCKER_HOST": "ssh://ann:se%63ret@far"}, "/nowhere")
    assert "se%63ret" not in told.value.message
    assert "ssh://ann@far" in told.value.message


def test_a_bare_host_is_tcp_and_this_machine_is_not_remote():
    assert make_endpoint("localhost:2375", origin="") == Endpoint(url="tcp://localhost:2375")
    assert make_endpoint("http://engine:80", origin="").remote


def test_docker_desktop_is_another_machine():
    assert make_endpoint("unix:///home/ann/.docker/desktop/docker.sock", origin="").remote


def test_no_usual_socket_names_each_that_was_tried(tmp_path):
    environ = {"XDG_RUNTIME_DIR": str(tmp_path / "run")}
    system = (str(tmp_path / "docker.sock"), str(tmp_path / "podman.sock"))
    with pytest.raises(Exception, match="no Docker engine answers; tried ") as told:
        find_endpoint(environ, str(tmp_path), system_sockets=system)
    for name in (
        "docker.sock",
        "run/docker.sock",
        ".docker/run/docker.sock",
        ".docker/desktop/docker.sock",
        "run/podman/podman.sock",
        "podman.sock",
    ):
        assert os.path.join(str(tmp_path), name) in told.value.message
    assert told.value.code == "docker_unavailable"
    assert "-t local" in told.value.hint


@pytest.mark.parametrize(
    ("text", "parts"), [("a", ("a", "")), ("a:1", ("a", "1")), ("[::1]:2", ("::1", "2")), ("[::1]", ("::1", ""))]
)
def test_hosts_and_ports_are_split(text, parts):
    assert split_host(text) == parts


def test_ssh_runs_the_command_that_the_docker_command_line_runs():
    assert make_command("ann@far:22/run/u.sock") == (
        *("ssh", "-o", "ConnectTimeout=30", "-T", "-l", "ann", "-p", "22", "--", "far"),
        *("docker", "--host", "unix:///run/u.sock", "system", "dial-stdio"),
    )
    assert make_command("far")[-5:] == ("--", "far", "docker", "system", "dial-stdio")

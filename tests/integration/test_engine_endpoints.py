"""Engines behind sockets, TLS, ssh and contexts; and places where none answers."""

from __future__ import annotations

import json
import os
import pwd
import socket
import ssl
import stat
import subprocess
import sys
import threading

import pytest

from localrun.adapters.engine import EngineLost, EngineRefused, EngineUnavailable, connect, find_endpoint
from localrun.errors import BadInput

SOCKET = "/var/run/docker.sock"


def pass_on(client, server):
    """Pass bytes between two sockets until both have ended."""

    def copy(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    back = threading.Thread(target=copy, args=(server, client), daemon=True)
    back.start()
    copy(client, server)
    back.join(30)
    client.close()
    server.close()


class Door:
    """A server on a loopback port or a socket's path that hands each connection to a function."""

    def __init__(self, serve, *, path=""):
        if path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(path)
            self._listener.listen()
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
        self.name = self._listener.getsockname()
        self._serve = serve
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self):
        return self.name[1]

    def _accept(self):
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(one,), daemon=True).start()

    def _handle(self, one):
        try:
            self._serve(one)
        except OSError:
            pass
        finally:
            one.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def to_engine(client):
    server = socket.socket(socket.AF_UNIX)
    server.connect(SOCKET)
    pass_on(client, server)


def answering(*answers):
    """Give a server that answers each request of a connection with the next of these bytes, then ends it."""

    def serve(one):
        for answer in answers:
            data = b""
            while b"\r\n\r\n" not in data:
                piece = one.recv(4096)
                if not piece:
                    return
                data += piece
            one.sendall(answer)

    return serve


def as_answer(body, status="200 OK"):
    data = json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


def reach(environ, home="/nowhere"):
    """Connect, ask for the version, and give it."""
    engine = connect(find_endpoint(environ, str(home)))
    try:
        return engine.ask("GET", "/version")["ApiVersion"]
    finally:
        engine.close()


def create_context(folder, name, *words):
    environ = {**os.environ, "DOCKER_CONFIG": str(folder)}
    subprocess.run(
        ("docker", "context", "create", name, *words), env=environ, check=True, timeout=60, capture_output=True
    )


def test_the_engine_of_this_machine_answers(tmp_path):
    assert reach({}, tmp_path)


def test_a_context_made_by_docker_is_found(tmp_path):
    link = tmp_path / "d.sock"
    link.symlink_to(SOCKET)
    create_context(tmp_path, "linked", "--docker", f"host=unix://{link}")
    environ = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "linked"}
    assert find_endpoint(environ, "/nowhere").url == f"unix://{link}"
    assert reach(environ)


def test_the_rootless_socket_is_found_when_the_usual_one_does_not_answer(tmp_path):
    (tmp_path / "docker.sock").symlink_to(SOCKET)
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    found = find_endpoint(environ, str(tmp_path), system_sockets=(str(tmp_path / "none.sock"),))
    assert (found.url, found.origin) == (f"unix://{tmp_path}/docker.sock", "the rootless socket")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Give a folder with ca.pem, cert.pem and key.pem for 127.0.0.1, and the same for another authority's in other/."""
    folder = tmp_path_factory.mktemp("certificates")
    for place in (folder, folder / "other"):
        place.mkdir(exist_ok=True)
        (place / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
        make = ("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-batch", "-keyout")
        run(place, *make, "ca-key.pem", "-x509", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "30")
        run(place, *make, "key.pem", "-out", "request", "-subj", "/CN=engine")
        sign = ("openssl", "x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial")
        run(place, *sign, "-out", "cert.pem", "-days", "30", "-extfile", "ext")
    return folder


def run(folder, *words):
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture
def encrypted(certificates):
    """Give the port of the engine behind TLS that wants to know who asks."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "ca.pem")
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED

    def serve(one):
        with context.wrap_socket(one, server_side=True) as plain:
            relay_tls(plain)

    with Door(serve) as door:
        yield door.port


def relay_tls(client):
    """One request at a time: an encrypted socket is not for two threads."""
    while True:
        data = client.recv(1 << 16)
        if not data:
            return
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(SOCKET)
            server.sendall(data.replace(b"\r\nHost: docker\r\n", b"\r\nHost: docker\r\nConnection: close\r\n"))
            while piece := server.recv(1 << 16):
                client.sendall(piece)
        return


def test_an_engine_behind_tls_is_reached_with_the_certificates_of_docker_cert_path(certificates, encrypted):
    environ = {
        "DOCKER_HOST": f"tcp://127.0.0.1:{encrypted}",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(certificates),
    }
    assert reach(environ)


def test_requests_over_tls_share_a_connection(certificates):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    served = []

    def serve(one):
        served.append(one)
        with context.wrap_socket(one, server_side=True) as plain:
            answering(*[as_answer({"ApiVersion": "1.41"})] * 3)(plain)

    with Door(serve) as door:
        environ = {
            "DOCKER_HOST": f"tcp://127.0.0.1:{door.port}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(certificates),
        }
        engine = connect(find_endpoint(environ, "/nowhere"))
        for _ in range(3):
            assert engine.ask("GET", "/version")
        engine.close()
    assert len(served) == 1


def test_an_engine_behind_tls_is_reached_with_the_certificates_of_a_context(certificates, encrypted, tmp_path):
    files = ",".join(f"{name}={certificates}/{name}.pem" for name in ("ca", "cert", "key"))
    create_context(tmp_path, "safe", "--docker", f"host=tcp://127.0.0.1:{encrypted},{files}")
    assert reach({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "safe"})


def test_an_engine_with_another_certificate_is_not_spoken_to(certificates, encrypted):
    environ = {
        "DOCKER_HOST": f"tcp://127.0.0.1:{encrypted}",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": f"{certificates}/other",
    }
    with pytest.raises(EngineUnavailable, match="certificate") as told:
        reach(environ)
    assert "ca.pem" in told.value.hint


def test_an_engine_that_wants_a_certificate_of_ours_says_so(certificates, encrypted, tmp_path):
    (tmp_path / "ca.pem").write_bytes((certificates / "ca.pem").read_bytes())
    environ = {
        "DOCKER_HOST": f"tcp://127.0.0.1:{encrypted}",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(tmp_path),
    }
    with pytest.raises(EngineUnavailable):
        reach(environ)


def test_certificates_that_are_none_are_told(encrypted, tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    environ = {
        "DOCKER_HOST": f"tcp://127.0.0.1:{encrypted}",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(tmp_path),
    }
    with pytest.raises(EngineUnavailable, match="no Docker engine answers at"):
        reach(environ)


def test_tls_with_an_engine_that_speaks_without_is_told():
    with Door(to_engine) as door, pytest.raises(EngineUnavailable, match="no Docker engine answers at"):
        reach({"DOCKER_HOST": f"tcp://127.0.0.1:{door.port}", "DOCKER_TLS": "1"})


def test_an_engine_on_a_port_is_reached():
    with Door(to_engine) as door:
        assert reach({"DOCKER_HOST": f"tcp://127.0.0.1:{door.port}"})


@pytest.fixture
def fake_ssh(tmp_path, monkeypatch):
    """Put an `ssh` on PATH that keeps its words, and runs the command here."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def write(text):
        path = folder / "ssh"
        path.write_text(
            f"#!{sys.executable}\nimport os, sys\nopen({str(folder / 'words')!r}, 'a').write(repr(sys.argv[1:]))\n{text}"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return folder / "words"

    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return write


def test_an_engine_behind_ssh_is_reached(fake_ssh):
    words = fake_ssh("at = sys.argv.index('--') + 2\nos.execvp(sys.argv[at], sys.argv[at:])")
    engine = connect(find_endpoint({"DOCKER_HOST": "ssh://ann@far:2222"}, "/nowhere"))
    assert engine.endpoint.remote
    for _ in range(3):
        assert engine.ask("GET", "/version")["ApiVersion"]
    engine.close()
    expected = [
        "-o",
        "ConnectTimeout=30",
        "-T",
        "-l",
        "ann",
        "-p",
        "2222",
        "--",
        "far",
        "docker",
        "system",
        "dial-stdio",
    ]
    assert words.read_text() == repr(expected), "three requests share one ssh"


def test_what_ssh_complains_of_is_told(fake_ssh):
    fake_ssh("sys.stderr.write('ann@far: Permission denied (publickey).\\n'); sys.exit(255)")
    with pytest.raises(EngineUnavailable, match=r"Permission denied \(publickey\)"):
        reach({"DOCKER_HOST": "ssh://ann@far"})


def test_no_ssh_at_all_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="ssh"):
        reach({"DOCKER_HOST": "ssh://ann@far"})


def test_a_socket_that_is_not_there_is_told_with_who_named_it():
    with pytest.raises(EngineUnavailable, match=r"unix:///nonexistent\.sock \(DOCKER_HOST\): No such file") as told:
        reach({"DOCKER_HOST": "unix:///nonexistent.sock"})
    assert "-t local" in told.value.hint


def test_a_socket_that_nobody_listens_on_is_told(tmp_path):
    path = str(tmp_path / "left.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    with pytest.raises(EngineUnavailable, match="Connection refused"):
        reach({"DOCKER_HOST": f"unix://{path}"})


def test_a_file_that_is_no_socket_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineUnavailable, match="no Docker engine answers"):
        reach({"DOCKER_HOST": f"unix://{tmp_path}/file"})


def test_a_socket_s_path_that_is_too_long_is_told():
    with pytest.raises(EngineUnavailable, match="too long"):
        reach({"DOCKER_HOST": "unix:///" + "a" * 200})


def test_a_socket_of_others_is_told_with_how_to_join_them(tmp_path):
    path = str(tmp_path / "others.sock")
    code = (
        "import _socket, os, select, sys\n"
        "from localrun.adapters.engine import connect, find_endpoint\n"
        "from localrun.errors import LocalrunError\n"
        "if not os.getuid(): os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))\n"
        "try: connect(find_endpoint({}, '/nowhere', system_sockets=(sys.argv[1],)))\n"
        "except LocalrunError as error: print(error.code, error.message, error.hint)\n"
    )
    nobody = pwd.getpwnam("nobody").pw_uid
    with Door(to_engine, path=path):
        os.chmod(path, 0)
        os.chmod(tmp_path, 0o755)
        done = subprocess.run(
            (sys.executable, "-c", code, path, str(nobody)), capture_output=True, timeout=60, check=True
        )
    assert done.stdout.startswith(b"docker_unavailable"), done
    assert b"Permission denied" in done.stdout
    assert b"usermod -aG docker" in done.stdout


@pytest.mark.parametrize("address", ["tcp://", "http//x", "nonsense://x"])
def test_nonsense_in_docker_host_is_told(address):
    with pytest.raises((BadInput, EngineUnavailable), match="DOCKER_HOST"):
        reach({"DOCKER_HOST": address})


def test_an_engine_that_is_too_old_is_told_with_its_version():
    old = {"Version": "1.9.0", "ApiVersion": "1.24"}
    serve = answering(as_answer({"message": "page not found"}, "404 Not Found"), as_answer(old))
    with Door(serve) as door, pytest.raises(EngineRefused, match=r"too old: it is 1\.9\.0 \(API 1\.24\)") as told:
        reach({"DOCKER_HOST": f"tcp://127.0.0.1:{door.port}"})
    assert told.value.code == "docker_too_old"


def test_an_engine_that_has_forgotten_the_version_is_asked_in_a_later_one():
    text = "client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade your client"
    serve = answering(as_answer({"message": text}, "400 Bad Request"), as_answer({"ApiVersion": "1.52"}), as_answer([]))
    with Door(serve) as door:
        engine = connect(find_endpoint({"DOCKER_HOST": f"tcp://127.0.0.1:{door.port}"}, "/nowhere"))
        assert engine.ask("GET", "/version") == {"ApiVersion": "1.52"}
        assert engine.version == "1.44"
        engine.close()


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"]
)
def test_what_is_no_engine_is_told(answer):
    def serve(one):
        one.recv(10)
        one.sendall(answer)

    with Door(serve) as door, pytest.raises((EngineUnavailable, EngineLost)):
        reach({"DOCKER_HOST": f"tcp://127.0.0.1:{door.port}"})


def test_an_engine_that_falls_silent_is_lost_after_the_time_given():
    def serve(one):
        answering(as_answer({}))(one)
        one.recv(4096)
        one.recv(4096)

    with Door(serve) as door:
        engine = connect(find_endpoint({"DOCKER_HOST": f"tcp://127.0.0.1:{door.port}"}, "/nowhere"))
        engine.ask("GET", "/version")
        with pytest.raises(EngineLost, match="no answer in time"):
            engine.ask("GET", "/info", timeout_s=0.2)
        engine.close()


def test_a_connection_that_ended_meanwhile_is_made_anew():
    with Door(answering(as_answer({"ApiVersion": "1.41"}))) as door:
        engine = connect(find_endpoint({"DOCKER_HOST": f"tcp://127.0.0.1:{door.port}"}, "/nowhere"))
        for _ in range(3):
            assert engine.ask("GET", "/version") == {"ApiVersion": "1.41"}
        engine.close()

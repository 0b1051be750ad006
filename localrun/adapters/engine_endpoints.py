"""Where the Docker engine is, found as the docker command line finds it.

DOCKER_HOST, else the context of DOCKER_CONTEXT or of docker's own settings, else the socket at the usual places. Source
of the rules: the Docker documentation, "Docker contexts" and "Use the Docker command line, Environment variables";
the folders of a context are those of the docker command line's context store.
"""

from __future__ import annotations

import os
import sys

from localrun.adapters.engine_errors import EngineUnavailable
from localrun.adapters.engine_json import read_json
from localrun.errors import BadInput
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

SYSTEM_SOCKET = "/var/run/docker.sock"
"""Where an engine of the system listens."""
PODMAN_SOCKET = "/run/podman/podman.sock"
"""Where a Podman service of the system listens."""
SETTINGS_LIMIT = 1 << 20
"""Docker's settings and the descriptions of contexts are smaller than this, in bytes."""
START_HINT = (
    "start Docker (sudo systemctl start docker, or Docker Desktop), or set DOCKER_HOST or docker context use to where "
    "an engine runs; or use -t local"
)
GROUP_HINT = (
    "add your user to the group of the socket (sudo usermod -aG docker $USER, then log in anew); or use -t local"
)


@value
class Endpoint:
    """Where an engine is, and how to talk to it.

    Attributes:
        url: `unix:///path`, `tcp://host:port` or `ssh://[user@]host[:port][/path of the socket there]`.
        ca: The file of certificates that the engine's is checked against; empty for those of the system.
        cert: The file of our own certificate; empty for none.
        key: The file of its key.
        tls: Whether a tcp connection is encrypted.
        verify: Whether the engine's certificate is checked.
        origin: What says so, for messages: `DOCKER_HOST`, `context NAME`, `the default socket` …
        remote: Mounts of this machine's folders do not reach its containers: it is on another machine, or in a virtual
            one.
    """

    url: str
    ca: str = ""
    cert: str = ""
    key: str = ""
    tls: bool = False
    verify: bool = True
    origin: str = ""
    remote: bool = False

    @property
    def place(self) -> str:
        """The address for messages, without a password."""
        scheme, _, rest = self.url.partition("://")
        account, found, host = rest.rpartition("@")
        return f"{scheme}://{account.partition(':')[0]}{found}{host}"


def find_endpoint(
    environ: Mapping[str, str], home_folder: str, *, system_sockets: tuple[str, ...] = (SYSTEM_SOCKET, PODMAN_SOCKET)
) -> Endpoint:
    """Find the engine that the docker command line would talk to.

    Where neither DOCKER_HOST nor a context says anything, the first of the usual sockets that answers is taken: of the
    system, rootless, of Docker Desktop, of Podman.

    Args:
        environ: The caller's environment variables.
        home_folder: The user's home folder.
        system_sockets: The paths of the engine's and of Podman's socket of the system.

    Raises:
        EngineUnavailable: nothing is configured and no usual socket answers.
        BadInput: DOCKER_HOST is no address, or a context or docker's settings cannot be read.
    """
    folder = environ.get("DOCKER_CONFIG") or os.path.join(home_folder, ".docker")
    if address := environ.get("DOCKER_HOST", "").strip():
        return _read_docker_host(address, environ, folder)
    name, origin = environ.get("DOCKER_CONTEXT", ""), "DOCKER_CONTEXT"
    if not name:
        origin = os.path.join(folder, "config.json")
        name = str(read_settings(folder).get("currentContext") or "")
    if name and name != "default":
        return _read_context(folder, name, origin)
    return _try_sockets(_list_sockets(environ, home_folder, system_sockets))


def read_settings(folder: str) -> dict[str, Any]:
    """Read docker's `config.json`; empty when there is none.

    Raises:
        BadInput: it cannot be read.
    """
    path = os.path.join(folder, "config.json")
    found = _read_file(path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadInput("docker's settings are no JSON object", file=path, hint="correct the file or move it away")
    return found


def _read_file(path: str) -> Any:
    try:
        with open(path, "rb") as file:
            data = file.read(SETTINGS_LIMIT + 1)
        if len(data) > SETTINGS_LIMIT:
            raise BadInput("the file is too large", file=path, hint="correct it or move it away")
        return read_json(data)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", file=path, hint="make it readable") from None
    except ValueError as error:
        raise BadInput(str(error), file=path, hint="correct the file or move it away") from None


def _read_docker_host(address: str, environ: Mapping[str, str], folder: str) -> Endpoint:
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    encrypted = verify or bool(environ.get("DOCKER_TLS"))
    files = {}
    if encrypted:
        certificates = environ.get("DOCKER_CERT_PATH") or folder
        files = find_certificates(certificates)
    return make_endpoint(address, origin="DOCKER_HOST", tls=encrypted, verify=verify or not encrypted, **files)


def find_certificates(folder: str) -> dict[str, str]:
    """Give which of `ca.pem`, `cert.pem` and `key.pem` a folder has, as fields of an Endpoint."""
    paths = {name: os.path.join(folder, f"{name}.pem") for name in ("ca", "cert", "key")}
    return {name: path for name, path in paths.items() if os.path.exists(path)}


def _read_context(folder: str, name: str, origin: str) -> Endpoint:
    import hashlib

    entry = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    path = os.path.join(folder, "contexts", "meta", entry, "meta.json")
    found = _read_file(path)
    if found is None:
        known = ", ".join(list_contexts(folder)) or "none"
        hint = f"docker context ls shows those that are there (now: default, {known}); or unset it"
        raise BadInput(f"there is no docker context {name}", key=origin, hint=hint)
    try:
        docker = found["Endpoints"]["docker"]
        address, unchecked = str(docker["Host"]), bool(docker.get("SkipTLSVerify"))
    except (KeyError, TypeError, AttributeError):
        hint = f"make it anew: docker context rm {name}, then docker context create"
        raise BadInput(f"the docker context {name} names no engine", file=path, hint=hint) from None
    files = find_certificates(os.path.join(folder, "contexts", "tls", entry, "docker"))
    tls = bool(files) or unchecked
    return make_endpoint(address, origin=f"context {name}", tls=tls, verify=not unchecked, **files)


def list_contexts(folder: str) -> list[str]:
    """List the names of the contexts of a folder of docker's settings, sorted; `default` is not among them."""
    meta = os.path.join(folder, "contexts", "meta")
    names = []
    for entry in os.listdir(meta) if os.path.isdir(meta) else ():
        try:
            found = _read_file(os.path.join(meta, entry, "meta.json"))
        except BadInput:
            continue
        if isinstance(found, dict) and found.get("Name"):
            names.append(str(found["Name"]))
    return sorted(names)


def make_endpoint(address: str, *, origin: str, tls: bool = False, verify: bool = True, **files: str) -> Endpoint:
    """Give the endpoint that an address in docker's form names.

    Args:
        address: `unix://`, `tcp://` or `ssh://`; a bare `host:port` is tcp.
        origin: What says so.
        tls: Whether a tcp connection is encrypted.
        verify: Whether the engine's certificate is checked.
        files: `ca`, `cert` and `key`.

    Raises:
        BadInput: it is no address of an engine.
    """
    hint = "it looks like unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host"
    scheme, found, rest = address.partition("://")
    if not found:
        scheme, rest = "tcp", address
    if scheme in {"http", "https"}:
        scheme, tls = "tcp", tls or scheme == "https"
    shown = Endpoint(url=f"{scheme}://{rest}").place
    if not rest or scheme not in {"unix", "tcp", "ssh"} or any(sign.isspace() for sign in rest):
        raise BadInput(f"{shown} is no address of a Docker engine", key=origin, hint=hint)
    if scheme == "unix":
        desktop = sys.platform == "darwin" or "/.docker/desktop/" in rest  # their engine runs in a virtual machine
        return Endpoint(url=f"unix://{rest}", origin=origin, remote=desktop)
    host, port = split_host(rest.rpartition("@")[2].partition("/")[0])
    if not host or (port and not (port.isdigit() and 0 < int(port) < 1 << 16)):
        raise BadInput(f"{shown} is no address of a Docker engine: its host or port is wrong", key=origin, hint=hint)
    if scheme == "ssh":
        _refuse_ssh(rest, shown, origin)
        return Endpoint(url=f"ssh://{rest}", origin=origin, remote=True)
    near = host in {"localhost", "::1"} or host.startswith("127.")
    return Endpoint(url=f"tcp://{rest}", origin=origin, tls=tls, verify=verify, remote=not near, **files)


def _refuse_ssh(rest: str, shown: str, origin: str) -> None:
    """Refuse what would not be a host for ssh.

    Raises:
        BadInput: it holds a password, or begins like an option.
    """
    account, _, host = rest.rpartition("@")
    if ":" in account:
        hint = "use a key (ssh-copy-id, ssh-agent), and leave the password out of the address"
        raise BadInput(f"{shown}: ssh takes no password in an address", key=origin, hint=hint)
    if host.startswith("-") or account.startswith("-"):
        raise BadInput(f"{shown} names no host", key=origin, hint="it looks like ssh://user@host")


def split_host(text: str) -> tuple[str, str]:
    """Split `host:port`, `[v6 address]:port` or a host alone; the port is empty when there is none."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, port.removeprefix(":")
    host, _, port = text.partition(":")
    return host, port


def _list_sockets(environ: Mapping[str, str], home: str, system: tuple[str, ...]) -> list[tuple[str, str]]:
    """List the usual sockets, first the system's own, each with what it is."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    found = [(system[0], "the default socket")]
    if runtime:
        found.append((f"{runtime}/docker.sock", "the rootless socket"))
    found.append((os.path.join(home, ".docker/run/docker.sock"), "the user's socket"))
    found.append((os.path.join(home, ".docker/desktop/docker.sock"), "Docker Desktop's socket"))
    if runtime:
        found.append((f"{runtime}/podman/podman.sock", "Podman's socket"))
    return found + [(path, "Podman's socket of the system") for path in system[1:]]


def _try_sockets(places: Iterable[tuple[str, str]]) -> Endpoint:
    tried = []
    denied = False
    for path, origin in places:
        try:
            try_socket(path)
        except OSError as error:
            tried.append(f"{path}: {error.strerror or error}")
            denied = denied or isinstance(error, PermissionError)
        else:
            return make_endpoint(f"unix://{path}", origin=origin)
    hint = GROUP_HINT if denied else START_HINT
    raise EngineUnavailable("no Docker engine answers; tried " + "; ".join(tried), hint=hint)


def try_socket(path: str) -> None:
    """See whether somebody listens on a unix socket.

    Raises:
        OSError: nobody does, or not for us.
    """
    import _socket

    one = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        one.settimeout(2)
        one.connect(path)
    finally:
        one.close()

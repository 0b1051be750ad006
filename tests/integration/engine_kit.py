"""Docker engines for tests: the machine's own, and second ones that may be killed, filled up and thrown away.

A second engine lives in network, mount and process namespaces of its own: a second dockerd would otherwise change the
machine's bridge and firewall, and whatever is left of it ends with its first process.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from urllib.parse import urlencode

from run_kit import finish

WITH_JSON = frozenset({"container", "image"})
"""What an engine lists and describes under paths that end so."""
BARE, PYTHON = "localrun-test/bare", "localrun-test/python"
SEARCHED = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))


class Engine:
    """An engine, by docker's own client, and by its socket for what is asked hundreds of times.

    Attributes:
        host: Where it answers, as in DOCKER_HOST; empty for the one that the client finds.
    """

    def __init__(self, host=""):
        self.host = host

    def ask(self, path, **query):
        """Give what the engine answers to a question, read as JSON; LookupError when it has no such thing."""
        host = self.host or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        with contextlib.closing(SocketConnection(host.removeprefix("unix://"))) as connection:
            connection.request("GET", f"{path}?{urlencode(query)}")
            answer = connection.getresponse()
            text = answer.read()
        if answer.status == 404:
            raise LookupError(text)
        assert answer.status == 200, (path, query, text)
        return json.loads(text)

    def list(self, kind, *filters):
        """Give what the engine has of a kind, running or not, that the filters (`label=…`, `name=…`) let through."""
        pairs = [item.split("=", 1) for item in filters]
        wanted = {name: [text for one, text in pairs if one == name] for name, _ in pairs}
        found = self.ask(f"/{kind}s" + ("/json" if kind in WITH_JSON else ""), all=1, filters=json.dumps(wanted))
        return (found["Volumes"] if kind == "volume" else found) or []

    @property
    def environ(self):
        """The variables that point docker, and localrun, to this engine."""
        return {"DOCKER_HOST": self.host} if self.host else {}

    def start(self, *words, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.Popen(("docker", *words), env={**os.environ, **self.environ}, **options)

    def try_docker(self, *words, timeout=120, **options):
        """Call the client; give its exit code, its output and its errors, in bytes."""
        return finish(self.start(*words, **options), timeout)

    def docker(self, *words, **options):
        """Call the client, which must succeed; give its output as text."""
        done = self.try_docker(*words, **options)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return (done.stdout or b"").decode().strip()

    def build(self, text, name):
        """Make an image of a Dockerfile without a context, and give its name."""
        with self.start("build", "-q", "-t", name, "-", stdin=subprocess.PIPE) as building:
            out, err = building.communicate(text.encode(), timeout=120)
        assert building.returncode == 0, (text, out, err)
        return name

    def answers(self):
        try:
            return bool(self.ask("/version"))
        except (OSError, http.client.HTTPException):
            return False

    def inspect(self, name, kind="container"):
        return self.ask(f"/{kind}s/{name}" + ("/json" if kind in WITH_JSON else ""))

    def containers(self, *filters):
        """Give the ids of all containers, running or not, that the filters let through."""
        return [one["Id"] for one in self.list("container", *filters)]

    def forget(self, name, *others):
        """Remove an image, if it is there, by all of its names, and the layer of conda packages that it stands on."""
        with contextlib.suppress(LookupError, OSError):  # nor is there an engine, where a test took it away
            labels = self.inspect(name, "image")["Config"].get("Labels") or {}
            layers = [f"azureml/layer_{labels['localrun.layer'][:32]}"] if labels.get("localrun.layer") else []
            self.try_docker("image", "rm", "--force", name, *others, *layers)

    def describe_labelled(self, kind):
        """Give what the engine knows of each container, network or volume with a label `localrun.…`."""
        found = []
        for one in self.list(kind):
            if any(label.startswith("localrun") for label in one.get("Labels") or {}):
                with contextlib.suppress(LookupError):  # one that has gone since is not left
                    found.append(self.inspect(one.get("Id") or one["Name"], kind))
        return found


class SocketConnection(http.client.HTTPConnection):
    """A connection to the socket of an engine."""

    def __init__(self, path):
        super().__init__("docker", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def get_labels(described):
    labels = (described.get("Config") or {}).get("Labels") or described.get("Labels") or {}
    return dict(labels)


def find_left(engine, folder=None):
    """Name the containers, networks and volumes with a label of localrun's that the engine still has.

    Args:
        engine: The engine to ask.
        folder: Only what names this folder, in a mount or a label; None for all.
    """
    described = [(kind, item) for kind in ("container", "network", "volume") for item in engine.describe_labelled(kind)]
    return [
        f"{kind} {item.get('Name', item.get('Id'))} {get_labels(item)}"
        for kind, item in described
        if folder is None or folder in json.dumps(item)
    ]


def copy_image(name, source, target):
    """Copy an image from one engine to another; it keeps its id."""
    with contextlib.suppress(LookupError):
        target.inspect(name, "image")
        return
    with source.start("save", name, stderr=None) as saving:
        target.docker("load", stdin=saving.stdout)
    assert saving.returncode == 0


@contextmanager
def running(one, source, *images):
    """Let an engine run while a block runs, with copies of images of another one."""
    try:
        one.up()
        for name in images:
            copy_image(name, source, one)
        yield one
    finally:
        one.close()


class SecondEngine(Engine):
    """A dockerd with folders of its own, which tests may stop, kill and start again.

    Attributes:
        folder: Holds its data, its socket and its log.
    """

    def __init__(self, folder, *options, data=None):
        # a socket's path has at most 107 bytes
        self.sockets = tempfile.mkdtemp(prefix="lr-", dir="/tmp")
        super().__init__(f"unix://{self.sockets}/docker.sock")
        self.folder = str(folder)
        self.options = options
        self.data = str(data or os.path.join(self.folder, "data"))
        self.group = f"/localrun-test-{os.path.basename(self.sockets)}"
        os.makedirs(self.folder, exist_ok=True)
        inside = (
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--propagation=slave",
        )
        # bash reads its commands from here, reaps what is orphaned, and ends, with all of them, when this process does
        self.first = subprocess.Popen(
            (*inside, "bash"),
            env={**os.environ, "PATH": SEARCHED},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
        )
        self._tell("ip link set lo up")

    @property
    def log(self):
        with open(os.path.join(self.folder, "dockerd.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def _tell(self, line):
        """Have a line of shell run inside, and give the line that it printed, if any."""
        self.first.stdin.write(f"{line}\necho\n".encode())
        self.first.stdin.flush()
        return self.first.stdout.readline().decode().strip()

    def up(self, timeout_s=120):
        """Start dockerd, and wait until it answers."""
        words = (
            "dockerd", "--data-root", self.data, "--exec-root", f"{self.sockets}/exec", "--host", self.host,
            "--pidfile", f"{self.sockets}/docker.pid", "--cgroup-parent", self.group, *self.options,
        )  # fmt: skip
        self._tell(f"rm -f {self.sockets}/docker.pid")
        self._start(" ".join(words), timeout_s)
        return self

    def _start(self, line, timeout_s):
        self._tell(f"{line} >>{self.folder}/dockerd.log 2>&1 </dev/null & daemon=$!")
        end = time.monotonic() + timeout_s
        while not self.answers():
            assert self._tell("kill -0 $daemon 2>/dev/null && printf alive") == "alive", self.log[-3000:]
            assert time.monotonic() < end, self.log[-3000:]
            time.sleep(0.1)

    def end(self, number=signal.SIGTERM):
        """Send dockerd a signal, and wait for its end: TERM ends its containers first, KILL leaves them running."""
        self._tell(f"kill -{int(number)} $daemon; wait $daemon 2>/dev/null")

    def kill(self):
        self.end(signal.SIGKILL)

    def restart(self):
        self.end()
        return self.up()

    def close(self):
        """End everything that is in it, and remove its folders."""
        self.first.stdin.close()
        try:
            self.first.wait(60)  # unshare ends when every process inside has
        except subprocess.TimeoutExpired:
            self.first.kill()
            self.first.wait()
        self.first.stdout.close()
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        remove_groups(self.group)


class PodmanEngine(SecondEngine):
    """A Podman that listens as dockerd does, with folders of its own."""

    def __init__(self, folder):
        super().__init__(folder)
        self.group = "/libpod_parent"

    def up(self, timeout_s=120):
        """Start the service, and wait until it answers."""
        # limits that every machine allows, and locks that no other Podman sees
        settings = '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
        settings += '[engine]\nlock_type = "file"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        with open(os.path.join(self.folder, "containers.conf"), "w", encoding="ascii") as file:
            file.write(settings)
        words = (
            "podman", "--root", self.data, "--runroot", f"{self.sockets}/run", "--tmpdir", f"{self.sockets}/tmp",
            "system", "service", "--time=0", self.host,
        )  # fmt: skip
        variables = f"CONTAINERS_CONF={self.folder}/containers.conf"
        self._start(f"{variables} {' '.join(words)}", timeout_s)
        return self


def remove_groups(name):
    """Remove the empty control groups that an engine has left, in each hierarchy."""
    for hierarchy in ("", *os.listdir("/sys/fs/cgroup")):
        top = os.path.join("/sys/fs/cgroup", hierarchy, name.lstrip("/"))
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                continue

"""A real registry with accounts on a loopback port, and a proxy in front of it that breaks when it is told to."""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import shutil
import socket
import subprocess
import tarfile
import threading
import time

SEARCHED = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
CONFIG = """\
version: 0.1
log: {{level: info, formatter: text}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
"""
ACCOUNTS = "auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n"


class Registry:
    """Debian's docker-registry; the engine trusts loopback addresses without TLS.

    Attributes:
        user: Who may push and pull; empty: everybody may.
        password: Of that user.
    """

    def __init__(self, folder, *, user="ann", password="s3cret-of-the-registry"):
        self.folder = str(folder)
        self.user, self.password = user, password
        self.port = 0
        self._process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def start(self):
        """Start it, on the same port as before if it ran before; return once it listens."""
        os.makedirs(self.folder, exist_ok=True)
        config = CONFIG + (ACCOUNTS if self.user else "")
        if self.user:
            program = shutil.which("htpasswd", path=SEARCHED)
            words = (program, "-i", "-B", "-n", self.user)
            done = subprocess.run(words, input=self.password.encode(), stdout=subprocess.PIPE, check=True, timeout=60)
            with open(os.path.join(self.folder, "htpasswd"), "wb") as file:
                file.write(done.stdout)
        with open(os.path.join(self.folder, "config.yml"), "w", encoding="utf-8") as file:
            file.write(config.format(folder=self.folder, port=self.port))
        with open(os.path.join(self.folder, "log"), "wb") as log:
            command = (shutil.which("docker-registry", path=SEARCHED), "serve", f"{self.folder}/config.yml")
            environ = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
        end = time.monotonic() + 120
        while not (found := re.search(r"listening on 127\.0\.0\.1:(\d+)", self.log)):
            assert self._process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.02)
        self.port = int(found.group(1))
        return self

    def stop(self):
        if self._process:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def log_in(self):
        """Have docker's own client know the account, in the settings of DOCKER_CONFIG."""
        words = ("docker", "login", "--username", self.user, "--password-stdin", self.address)
        subprocess.run(words, input=self.password.encode(), check=True, stdout=subprocess.DEVNULL)

    def take_over(self, engine, image, name):
        """Have an image here alone, by a name of this registry's: neither the engine nor docker's settings know it."""
        self.log_in()
        engine.docker("tag", image, name)
        engine.docker("push", name)
        engine.docker("image", "rm", name)
        engine.docker("logout", self.address)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class BreakingProxy:
    """Passes connections on to a port until it has passed so many bytes towards it; then ends all, and new ones.

    Attributes:
        heals: How many connections it ends after the break before it works for good; None: it never works again.
    """

    def __init__(self, port, *, break_after, heals=None, host="127.0.0.1"):
        self._port = port
        self._left = break_after
        self.heals = heals
        self.broken = threading.Event()
        self.ended = 0
        self._listener = socket.create_server((host, 0))
        self.host = host
        self.port = self._listener.getsockname()[1]
        self._open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _refuses(self):
        if not self.broken.is_set() or (self.heals is not None and self.ended >= self.heals):
            return False
        self.ended += 1
        return True

    def _serve(self, client):
        with contextlib.closing(client), contextlib.suppress(OSError):
            if self._refuses():
                return
            with socket.create_connection(("127.0.0.1", self._port)) as server:
                self._pass_on(client, server)

    def _pass_on(self, client, server):
        while True:
            for one in select.select([client, server], [], [])[0]:
                data = one.recv(1 << 16)
                if one is client and not self.broken.is_set():
                    self._left -= len(data)
                    if self._left < 0:
                        self.broken.set()
                        return
                if not data:
                    return
                (server if one is client else client).sendall(data)

    def close(self):
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@contextlib.contextmanager
def nobody():
    """Give an address where nobody listens, and nobody else can begin to while a block runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def make_image(engine, name, *, size=1000, labels=()):
    """Make an image of one file that cannot be compressed; give its id."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        entry = tarfile.TarInfo("content")
        entry.size = size
        archive.addfile(entry, io.BytesIO(os.urandom(size)))
    changes = [word for label in labels for word in ("--change", f"LABEL {label}")]
    with engine.start("import", *changes, "-", name, stdin=subprocess.PIPE) as child:
        out, err = child.communicate(data.getvalue(), timeout=120)
    assert child.returncode == 0, err
    return out.decode().strip()

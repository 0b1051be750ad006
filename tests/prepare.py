"""Prepare what the tests need beyond Python packages; `make test` calls this before them.

The venvs of `venv_kit.py` are made below `.cache`, and the packages of the samples are compiled there. On CI, and for
root, missing programs are installed from the packages of Debian or Ubuntu, a Docker engine is started where none
answers, and two base images are made by debootstrap. For everybody else what is missing is named.

    localrun-test/bare      a minimal system with a CA bundle, and without Python
    localrun-test/python    the same with the distribution's python3

The images need no registry: they come from the mirror that this machine's apt uses. Their tar files stay in `.cache`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from channel_kit import make_sample_cache
from uv import find_uv_bin
from venv_kit import VENVS, make_venv

CACHE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".cache", "bases")
ENGINE_LOG = "/var/log/localrun-test-dockerd.log"
ENGINE_TIMEOUT_S = 120
ENGINE_SETTINGS = {"GOGC": "400"}
"""It has memory enough, and starts itself several times for each container: a tenth of that is collecting garbage."""

SEARCHED = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
"""Where programs are looked for: those of an administrator too, whoever asks."""

PROGRAMS = {
    "bash": "bash",
    "catatonit": "catatonit",
    "cc": "gcc",
    "debootstrap": "debootstrap",
    "docker": "docker.io",
    "docker-registry": "docker-registry",
    "dockerd": "docker.io",
    "htpasswd": "apache2-utils",
    "mount": "mount",
    "mpirun": "openmpi-bin",
    "openssl": "openssl",
    "pgrep": "procps",
    "podman": "podman",
    "ps": "procps",
    "ssh": "openssh-client",
    "unshare": "util-linux",
}
"""For each program that the tests call, the Debian package that brings it."""

IMAGES = ("localrun-test/bare", "localrun-test/python")


class NotPreparedError(Exception):
    """Something that the tests need cannot be had; the text says what."""


def main() -> int:
    uv = find_uv_bin()  # asks sysconfig, which threads must not do at once
    with ThreadPoolExecutor(3) as side:
        making = [side.submit(make_venv, name, uv) for name in VENVS]
        code = prepare_engine()
        making.append(side.submit(make_sample_cache))  # with programs that have just been installed
    failed = [made.exception() for made in making if made.exception()]
    for error in failed:
        print(f"tests: {error}", file=sys.stderr)
    return 1 if failed else code


def prepare_engine() -> int:
    """Give 0 when programs, engine and images are there or could be had, 1 when what is missing has been named."""
    packages = find_missing_packages()
    answers = engine_answers()
    images = find_missing_images() if answers else list(IMAGES)
    if answers and not packages and not images:
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("\n".join(tell_missing(packages, images, answers=answers)), file=sys.stderr)
        return 1
    try:
        prepare(packages, images)
    except NotPreparedError as error:
        print(f"tests: {error}", file=sys.stderr)
        return 1
    return 0


def tell_missing(packages: list[str], images: list[str], *, answers: bool) -> list[str]:
    lines = [f"tests: please install {', '.join(packages)}"] if packages else []
    if not answers:
        lines.append("tests: no Docker engine answers; please start one, and see that you may use it")
    if images:
        lines.append(f"tests: the engine needs {' and '.join(images)}; `python tests/prepare.py` by root makes them")
    return lines


def prepare(packages: list[str], images: list[str]) -> None:
    """Install, start and make what is missing; the images' files are made while the rest is installed."""
    if packages:
        say(f"installing {', '.join(packages)}")
        run("apt-get", "update", "-q", "-o", "Acquire::Retries=3")
    if "debootstrap" in packages:
        install(["debootstrap"])
    with ThreadPoolExecutor() as side:
        files = [side.submit(make_base_files)] if images else []
        others = [package for package in packages if package != "debootstrap"]
        if others:
            install(others)
        start_engine()
        for made in files:
            made.result()
    for name in find_missing_images():
        say(f"importing {name}")
        run("docker", "import", locate_base(name), name)


def find_missing_packages() -> list[str]:
    return sorted({package for program, package in PROGRAMS.items() if shutil.which(program, path=SEARCHED) is None})


def engine_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    asked = ("docker", "version", "--format", "{{.Server.Version}}")
    try:
        return subprocess.run(asked, capture_output=True, timeout=60, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def find_missing_images() -> list[str]:
    def lacks(name: str) -> bool:
        return subprocess.run(("docker", "image", "inspect", name), capture_output=True, check=False).returncode != 0

    return [name for name in IMAGES if lacks(name)]


def install(packages: list[str]) -> None:
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    # recommended packages too: gcc needs libc6-dev for anything, docker.io apparmor's and cgroups' on some machines
    options = ("-y", "-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300")
    run("apt-get", "install", *options, *packages, environ=environ)


def start_engine() -> None:
    """Start dockerd, which starts containerd, so that it outlives this program; wait until an engine answers."""
    if engine_answers():
        return
    say(f"starting dockerd; its log is {ENGINE_LOG}")
    with open(ENGINE_LOG, "ab") as log:
        began = log.tell()
        environ = os.environ | ENGINE_SETTINGS | {"PATH": SEARCHED}
        daemon = subprocess.Popen(
            (shutil.which("dockerd", path=SEARCHED) or "dockerd",),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=environ, start_new_session=True,
        )  # fmt: skip
    end = time.monotonic() + ENGINE_TIMEOUT_S
    while not engine_answers():
        # one that the package has started may answer even when ours has ended
        if time.monotonic() > end or (daemon.poll() is not None and not find_other_engines()):
            with open(ENGINE_LOG, "rb") as log:
                log.seek(began)
                told = log.read().decode(errors="replace").strip().split("\n")
            raise NotPreparedError("the Docker engine did not start:\n" + "\n".join(told[-20:]))
        time.sleep(0.2)


def find_other_engines() -> bool:
    return subprocess.run(("pidof", "dockerd"), capture_output=True, check=False).returncode == 0


def make_base_files() -> None:
    """Make the tar files of the images that are not there yet."""
    if all(os.path.exists(locate_base(name)) for name in IMAGES):
        return
    os.makedirs(CACHE, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="work-", dir=CACHE) as work:
        root = os.path.join(work, "root")
        bootstrap(root)
        pack(root, locate_base(IMAGES[0]))
        add_python(root)
        pack(root, locate_base(IMAGES[1]))


def locate_base(name: str) -> str:
    return os.path.join(CACHE, f"{os.path.basename(name)}.tar")


def bootstrap(root: str) -> None:
    """Make a minimal system of this machine's release; debootstrap does not know apt's settings, so it is told them."""
    suite = read_release()["VERSION_CODENAME"]
    listed = run("apt-get", "indextargets", "--format", "$(CODENAME) $(SITE)", "Created-By: Packages")
    sites = [line.split(" ", 1)[1] for line in listed.splitlines() if line.startswith(f"{suite} ")]
    if not sites:
        raise NotPreparedError(f"apt has no source for {suite}, so no base image can be made")
    say(f"making a base system of {suite} from {sites[0]}")
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "PATH": SEARCHED, "LC_ALL": "C.UTF-8"}
    for scheme in ("http", "https"):
        proxy = run("apt-config", "shell", "PROXY", f"Acquire::{scheme}::Proxy").strip().removeprefix("PROXY=")
        environ |= {f"{scheme}_proxy": proxy.strip("'")} if proxy not in {"", "'DIRECT'"} else {}
    options = ("--variant=minbase", "--include=ca-certificates")
    run("debootstrap", *options, suite, root, sites[0], environ=environ)


def add_python(root: str) -> None:
    """Install python3: this machine's apt fetches it, by its own settings, and the apt inside places it."""
    archives = os.path.join(root, "var/cache/apt/archives")
    places = (f"Dir::State::status={root}/var/lib/dpkg/status", f"Dir::Cache::archives={archives}")
    options = [word for place in (*places, "Acquire::Retries=3") for word in ("-o", place)]
    run("apt-get", "install", "-y", "-q", "--no-install-recommends", "--download-only", *options, "python3")
    files = [f"/var/cache/apt/archives/{name}" for name in sorted(os.listdir(archives)) if name.endswith(".deb")]
    environ = {"PATH": SEARCHED, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    run("chroot", root, "apt-get", "install", "-y", "-q", "--no-install-recommends", *files, environ=environ)


def pack(root: str, target: str) -> None:
    """Pack a system as a tar file without what its installer has left: packages, indexes, logs, this machine's DNS.

    Without texts for people too: they are a third of it, which every push, copy and pull of the tests would carry along.
    """
    archives, lists = os.path.join(root, "var/cache/apt/archives"), os.path.join(root, "var/lib/apt/lists")
    for folder in (archives, lists, os.path.join(root, "var/log")):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and name != "lock":
                os.unlink(path)
    for name in ("etc/resolv.conf", "etc/hostname"):
        if os.path.exists(os.path.join(root, name)):
            os.truncate(os.path.join(root, name), 0)
    texts = [f"--exclude=./usr/share/{name}/*" for name in ("doc", "info", "locale", "man")]
    run("tar", "--numeric-owner", *texts, "-C", root, "-cf", f"{target}.part", ".")
    os.rename(f"{target}.part", target)


def read_release() -> dict[str, str]:
    with open("/etc/os-release", encoding="utf-8") as file:
        pairs = [line.strip().partition("=") for line in file if "=" in line]
    return {name: text.strip('"') for name, _, text in pairs}


def run(*command: str, environ: dict[str, str] | None = None) -> str:
    """Run a program and give what it printed; when it fails, its last lines are the error."""
    done = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().split("\n")[-20:])
        raise NotPreparedError(f"{' '.join(command[:3])} … ended with {done.returncode}:\n{last}")
    return done.stdout


def say(text: str) -> None:
    print(f"tests: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

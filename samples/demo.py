"""Run digits-distributed, or digits-docker, on the real conda path, and check what came out.

`make demo` and `make demo-docker` call this. The conda channel is the one that your conda settings name, when it
answers; else one that is made here from the Python that you have. Everything is kept in `.demo`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request

from localrun.adapters.condarc import Channel, find_channels, read_condarc
from localrun.errors import EnvironmentFailed, LocalrunError
from localrun.testing import make_channel

CHANNEL = "conda-forge"
PROBE_TIMEOUT_S = 5
DISTRIBUTED = "samples/digits-distributed"
DOCKER = "samples/digits-docker"
IMAGE, OWN_IMAGE = "debian:bookworm-slim", "localrun-test/bare"
"""The base image of digits-docker, and what `tests/prepare.py` makes where no registry answers."""


def probe(channel: Channel, settings: dict) -> str:
    """Ask a channel for its index; give why it does not answer, or an empty string when it does."""
    told: list[str] = []
    # a thread, because looking up a name takes as long as the machine's resolver wants
    thread = threading.Thread(target=lambda: told.append(ask(channel, settings)), daemon=True)
    thread.start()
    thread.join(2 * PROBE_TIMEOUT_S)
    return told[0] if told else "no answer in time"


def ask(channel: Channel, settings: dict) -> str:
    verify = settings.get("ssl_verify", True)
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) and os.path.isfile(verify) else None)
    if verify is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    handlers = [urllib.request.HTTPSHandler(context=context)]
    if settings.get("proxy_servers"):
        handlers.append(urllib.request.ProxyHandler(settings["proxy_servers"]))
    reason = ""
    for name in ("repodata.json.zst", "repodata.json"):
        request = urllib.request.Request(f"{channel.token_url or channel.url}/noarch/{name}")
        if channel.authorization:
            request.add_header("Authorization", channel.authorization)
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=PROBE_TIMEOUT_S) as answer:
                answer.read(1)
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code}"
        except (OSError, ValueError) as error:
            return str(getattr(error, "reason", error))
        else:
            return ""
    return reason


def choose_channel(demo: str) -> dict[str, str]:
    """Choose the channel, say which one it is, and give the variables that point localrun to it."""
    settings = read_condarc(os.environ, os.path.expanduser("~"))
    channel = find_channels((CHANNEL,), settings, "/")[0]
    reason = "conda's settings say offline" if settings.get("offline") is True else probe(channel, settings)
    if not reason:
        print(f"demo: conda channel {CHANNEL}, {channel.url}", flush=True)
        return {}
    print(f"demo: {channel.url} does not answer ({reason})", flush=True)
    print("demo: making an offline channel from this Python; environment.yml stays as it is", flush=True)
    url = make_channel(os.path.join(demo, "channel", CHANNEL))
    print(f"demo: conda channel {CHANNEL}, {url}", flush=True)
    condarc = os.path.join(demo, "condarc")
    with open(condarc, "w", encoding="utf-8") as file:
        file.write(f'custom_channels:\n  {CHANNEL}: "{os.path.dirname(url)}"\n')
        if CHANNEL in settings.get("mirrored_channels", {}):  # a mirror goes before a custom channel
            file.write(f'mirrored_channels:\n  {CHANNEL}: ["{url}"]\n')
    return {"CONDARC": condarc}


def choose_image() -> list[str]:
    """Choose the base image of digits-docker, say which one it is, and give the options that name it.

    Raises:
        LocalrunError: no engine answers, or no base image can be had.
    """
    if shutil.which("docker") is None or call_docker("version").returncode:
        raise EnvironmentFailed("no Docker engine answers", hint="start one; `docker version` says whether it answers")
    have = [name for name in (IMAGE, OWN_IMAGE) if not call_docker("image", "inspect", name).returncode]
    if not have:
        pulled = call_docker("pull", "--quiet", IMAGE)
        if pulled.returncode:
            hint = f"`python tests/prepare.py` as root makes {OWN_IMAGE}, which needs no registry"
            raise EnvironmentFailed(f"{IMAGE} cannot be pulled", hint=hint, detail=pulled.stderr)
        have = [IMAGE]
    print(f"demo: base image {have[0]}", flush=True)
    return [] if have[0] == IMAGE else ["--set", f"environment.image={have[0]}"]


def list_certificates() -> list[str]:
    """Give the options that hand the certificates of this machine's settings to containers, for bootstrap scripts."""
    options: dict[str, list[str]] = {}
    for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"):
        path = os.environ.get(name, "")
        if os.path.isfile(path):
            options[name] = ["-e", name]
            options[path] = ["-v", f"{path}:{path}:ro"]
    return [word for words in options.values() for word in words]


def call_docker(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("docker", *words), capture_output=True, text=True, check=False)


def main() -> int:
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    docker = sys.argv[1:] == ["digits-docker"]
    sample = DOCKER if docker else DISTRIBUTED
    demo = os.path.abspath(".demo")
    outputs = os.path.join(demo, "outputs-docker" if docker else "outputs")
    shutil.rmtree(outputs, ignore_errors=True)
    os.makedirs(demo, exist_ok=True)
    try:
        target = ["-t", "docker", "--inherit-network-settings", *list_certificates(), *choose_image()] if docker else []
        variables = {"LOCALRUN_HOME": os.path.join(demo, "home"), **choose_channel(demo)}
    except LocalrunError as error:
        print("\n".join(filter(None, (f"demo: {error.message}", error.hint, error.detail))), file=sys.stderr)
        return error.exit_code
    localrun = os.path.join(os.path.dirname(sys.executable), "localrun")
    options = (*target, "--bootstrap", f"{DISTRIBUTED}/bootstrap.sh", "--outputs", os.path.relpath(outputs))
    command = (localrun, "run", *options, f"{sample}/job.yml")
    shown = (os.path.relpath(command[0]), *command[1:])
    assignments = [f"{name}={shlex.quote(os.path.relpath(path))}" for name, path in variables.items()]
    print("demo: " + " ".join([*assignments, shlex.join(shown)]), flush=True)
    code = subprocess.run(command, env=os.environ | variables, check=False).returncode
    if code:
        return code
    return subprocess.run((sys.executable, f"{sample}/verify.py", outputs), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

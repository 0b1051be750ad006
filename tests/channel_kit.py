"""A channel with this machine's python, and workspaces that have its packages: made once, for all workers."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys

from filelock import FileLock
from venv_kit import CACHE

from localrun.testing import make_channel

SAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "samples")


def make_python_channel():
    """Make the channel of this machine under the name of conda-forge, or find it, and give its URL."""
    return make_channel(os.path.join(CACHE, "python-channel", "conda-forge"))


def make_sample_cache():
    """Fill caches with all packages of the samples, or find them filled, and give them: compiling takes a minute."""
    settings, condarc = name_conda_forge(make_python_channel()), os.path.join(CACHE, "samples.condarc")
    if _read(condarc) != settings:
        with open(condarc, "w", encoding="utf-8") as file:
            file.write(settings)
    with open(os.path.join(SAMPLES, "digits-tracked", "requirements.txt"), encoding="utf-8") as file:
        return build_once(os.path.join(CACHE, "samples"), "requirements.txt", file.read(), CONDARC=condarc)


def name_conda_forge(channel):
    """Give the text of conda's settings in which conda-forge is a channel on this machine."""
    return f"custom_channels:\n  conda-forge: {os.path.dirname(channel)}\n"


def make_unpacked(folder, channel):
    """Make a workspace that has made one environment of the channel, and give its cache."""
    text = f"channels: [{channel}]\ndependencies: [python, pip, setuptools]\n"
    return build_once(os.path.join(folder, "python-unpacked"), "python.yml", text)


def build_once(home, name, text, **settings):
    """Make an environment in a workspace that many workers want it in, and give the cache of that workspace.

    Args:
        home: The workspace.
        name: A name for the definition; its ending tells the form.
        text: The definition.
        settings: Environment variables.
    """
    os.makedirs(os.path.dirname(home), exist_ok=True)
    definition, ready = os.path.join(os.path.dirname(home), name), f"{home}.{name}.ready"
    with FileLock(f"{home}.lock"):
        if _read(ready) != text:
            with open(definition, "w", encoding="utf-8") as file:
                file.write(text)
            command = (sys.executable, "-m", "localrun", "env", "build", "-q", definition)
            environ = os.environ | settings | {"LOCALRUN_HOME": home}
            subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)
            os.replace(definition, ready)
    return os.path.join(home, "cache")


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def link_cache(cache, home, parts):
    """Have a workspace begin with parts of the caches of another."""
    os.makedirs(os.path.join(home, "cache"), mode=0o700, exist_ok=True)

    def place(source, target):
        if os.path.lexists(target):
            return
        if source.endswith(".lock"):  # it is written in place, and locked
            shutil.copy(source, target)
        else:
            link_or_copy(source, target)

    for part in parts:
        here = os.path.join(home, "cache", part)
        shutil.copytree(os.path.join(cache, part), here, symlinks=True, copy_function=place, dirs_exist_ok=True)


def link_or_copy(source, target):
    """Have a file in a second place: by a hard link, or by a copy on another disk."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copy(source, target)

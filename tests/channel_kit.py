"""A channel with this machine's python, and workspaces that have unpacked its packages: made once for all workers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from filelock import FileLock

from localrun.testing import make_channel


def make_python_channel(folder):
    """Make a channel in a folder of workers that run side by side, under the name of conda-forge; give its URL."""
    return make_channel(os.path.join(folder, "python-channel", "conda-forge"))


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
    """Have a workspace begin with parts of the caches of another, by hard links; on another disk, by copies."""
    os.makedirs(os.path.join(home, "cache"), mode=0o700, exist_ok=True)

    def place(source, target):
        if os.path.lexists(target):
            return
        # A file of locks is written in place, and locked.
        near = os.stat(home).st_dev == os.lstat(source).st_dev and not source.endswith(".lock")
        os.link(source, target, follow_symlinks=False) if near else shutil.copy(source, target)

    for part in parts:
        here = os.path.join(home, "cache", part)
        shutil.copytree(os.path.join(cache, part), here, symlinks=True, copy_function=place, dirs_exist_ok=True)

"""A channel with this machine's python, and a workspace that has unpacked its packages: made once for all workers."""

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
    home = os.path.join(folder, "python-unpacked")
    with FileLock(f"{home}.lock"):
        if not os.path.exists(f"{home}.ready"):
            definition = f"{home}.yml"
            with open(definition, "w", encoding="utf-8") as file:
                file.write(f"channels: [{channel}]\ndependencies: [python, pip, setuptools]\n")
            command = (sys.executable, "-m", "localrun", "env", "build", "-q", definition)
            environ = os.environ | {"LOCALRUN_HOME": home}
            subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)
            with open(f"{home}.ready", "w"):
                pass
    return os.path.join(home, "cache")


def link_cache(cache, home):
    """Have a workspace begin with the unpacked packages and the bytecode of another, by hard links."""
    os.makedirs(home, mode=0o700, exist_ok=True)
    for part in ("conda", "bytecode"):
        top = os.path.join(cache, part)
        for folder, _, names in os.walk(top):
            here = os.path.join(home, "cache", part, os.path.relpath(folder, top))
            os.makedirs(here, mode=0o700, exist_ok=True)
            for name in names:
                if name.endswith(".lock"):  # written in place, and locked
                    shutil.copy(os.path.join(folder, name), here)
                    continue
                os.link(os.path.join(folder, name), os.path.join(here, name), follow_symlinks=False)

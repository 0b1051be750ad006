"""What the benchmarks of containers share: the image, and docker's own command for the same run."""

from __future__ import annotations

import subprocess
import sys

IMAGE = "localrun-test/python"
"""Made by `tests/prepare.py`."""


def check_image() -> None:
    """End the benchmark when the engine does not have its image."""
    if subprocess.run(("docker", "image", "inspect", IMAGE), capture_output=True, check=False).returncode:
        sys.exit(f"the engine has no image {IMAGE}: `python tests/prepare.py` makes it")


def make_localrun(localrun: str, *options: str) -> list[str]:
    """Give localrun's command up to the script; its image has been used before when it is warm."""
    return [localrun, "run", "-q", "-t", "docker", "-E", f"image:{IMAGE}", *options]


def make_docker(source: str, *options: str) -> list[str]:
    """Give docker's command up to the script: the same folder, mounted in its place."""
    return ["docker", "run", "--rm", *options, "-v", f"{source}:{source}", "-w", source, IMAGE, "python3"]

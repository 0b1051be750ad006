"""What the benchmarks of containers share: the image, and docker's own command for the same run."""

from __future__ import annotations

import shutil
import subprocess

from pairs import Missing

IMAGE = "localrun-test/python"
"""Made by `tests/prepare.py`."""


def check_image(image: str = IMAGE) -> None:
    """Make sure that there is an engine and that it has an image, or say what is missing."""
    if not shutil.which("docker"):
        raise Missing("there is no docker command on this machine")
    if subprocess.run(("docker", "version"), capture_output=True, check=False).returncode:
        raise Missing("no Docker engine answers")
    if subprocess.run(("docker", "image", "inspect", image), capture_output=True, check=False).returncode:
        raise Missing(f"the engine has no image {image}: `python tests/prepare.py` makes it")


def make_localrun(localrun: str, *options: str) -> list[str]:
    """Give localrun's command up to the script; its image has been used before when it is warm."""
    return [localrun, "run", "-q", "-t", "docker", "-E", f"image:{IMAGE}", *options]


def make_docker(source: str, *options: str) -> list[str]:
    """Give docker's command up to the script: the same folder, mounted in its place."""
    return ["docker", "run", "--rm", *options, "-v", f"{source}:{source}", "-w", source, IMAGE, "python3"]

"""Runs of the samples of distributed training, and the look at their results."""

from __future__ import annotations

import os
import subprocess
import sys

from run_kit import LOCALRUN
from venv_kit import find_packages

SAMPLES = os.path.join(os.path.dirname(__file__), "..", "..", "samples")
LIMIT_S = 280


def run_sample(sample, outputs, *words):
    command = (*LOCALRUN, "run", "-o", str(outputs), *words)
    folder = os.path.join(SAMPLES, sample)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def verify(sample, outputs, *words):
    command = (sys.executable, os.path.join(SAMPLES, sample, "verify.py"), str(outputs), *words)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def mount(python, *, with_programs=False):
    """Give the options that let the python of an image use the packages of a venv, and its other programs."""
    venv = os.path.dirname(os.path.dirname(python))
    path = ("-e", f"PATH={venv}/bin:/usr/local/bin:/usr/bin:/bin") if with_programs else ()
    return ("-v", f"{venv}:{venv}:ro", "-e", f"PYTHONPATH={find_packages(python)}", *path)

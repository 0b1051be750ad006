"""The GPUs of this machine, by the program of NVIDIA's driver."""

from __future__ import annotations

import subprocess

from localrun.errors import LocalrunError

QUERY = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")


def describe_gpus(program: str, timeout_s: float) -> str:
    """Give name, memory and driver of each GPU, in one line.

    Raises:
        LocalrunError: the driver does not answer.
    """
    hint = "nvidia-smi says more; a reboot after an update of the driver often helps"
    try:
        done = subprocess.run((program, *QUERY), capture_output=True, check=False, timeout=timeout_s)
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"nvidia-smi does not answer: {type(error).__name__}"
        raise LocalrunError(message, hint=hint, code="gpu") from None
    said = done.stdout.decode(errors="backslashreplace").strip()
    if done.returncode or not said:
        last = said.splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise LocalrunError(f"nvidia-smi fails: {last[0]}", hint=hint, code="gpu")
    return "; ".join(said.splitlines())

"""The documentation's snippet for a key vault of Azure runs unchanged in a run, where Azure's packages are there."""

from __future__ import annotations

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "seeds"))

from block_kit import read_block
from run_kit import Driver
from vault_kit import Azure

RESOLVE = """
import socket
ask = socket.getaddrinfo
def answer(host, *rest, **more):  # not every system knows that names below localhost are this machine
    return ask("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **more)
socket.getaddrinfo = answer
"""


@pytest.fixture
def localrun(own_workspace, tmp_path):
    return Driver(own_workspace, tmp_path / "source")


@pytest.fixture
def azure(tmp_path):
    azure = Azure(tmp_path, "example.vault.localhost", {"my-secret": "a-value-of-the-vault"})
    yield azure
    azure.close()


def flags(azure):
    return [word for name, text in azure.environ.items() for word in ("-e", f"{name}={text}")]


@pytest.mark.slow
def test_the_snippet_reads_a_secret_of_a_vault(localrun, azure, azure_python):
    block = read_block("guide-21")
    begin = f"class Environment:\n    def __init__(self, name): self.environment_variables = {{}}\n{RESOLVE}\n"
    begin += f"kv_url, secret_name = {azure.vault_url!r}, 'my-secret'\n"
    script = localrun.write("train.py", begin + block + "\nprint('read', env.environment_variables)\n")
    done = localrun.run("-E", f"interpreter:{azure_python}", *flags(azure), script)
    assert done.returncode == 0, done.stdout
    assert b"read {'POWERFUL_SECRET': 'a-value-of-the-vault'}" in done.stdout
    assert azure.asked[-1].startswith("/secrets/my-secret")

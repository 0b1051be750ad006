"""`localrun env verify` names what is no longer as it was made."""

from __future__ import annotations

import os

import pytest
from environment_kit import fill_channel, make, make_plan, text_package

pytestmark = pytest.mark.channel


def test_every_kind_of_difference_is_named(localrun, tmp_path):
    (tmp_path / "channel").mkdir()
    plan = make_plan(fill_channel(tmp_path / "channel", [text_package("many", count=3)]))
    os.makedirs(localrun.home, mode=0o700)
    prefix = make(plan, localrun.home).prefix
    done = localrun.command("env", "verify")
    assert (done.returncode, done.stdout.decode()) == (0, f"{plan.name}  whole\n")
    with open(f"{prefix}/share/many/0.txt", "r+b") as file:
        file.write(b"X")
    os.unlink(f"{prefix}/share/many/1.txt")
    with open(f"{prefix}/share/more", "wb"):
        pass
    done = localrun.command("env", "verify", plan.name)
    assert done.returncode == 1
    assert done.stdout.decode().splitlines() == [
        f"{plan.name}  3 files differ",
        "  changed: share/many/0.txt",
        "  missing: share/many/1.txt",
        "  new: share/more",
    ]
    assert localrun.command("env", "verify", "nothing").returncode == 125

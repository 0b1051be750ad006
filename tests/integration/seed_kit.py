"""The distributed bootstrap script of Azure ML's documentation, and what a run with it has to give."""

from __future__ import annotations

import os

DATA = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data")
COMMAND = "bash bootstrap.sh && python train.py"
TRAIN = "import greeting, os; print(os.environ['RANK'], os.environ['AZ_BATCHAI_TASK_INDEX'], greeting.hello())"
INSTALL = "pip install --no-index --quiet --find-links wheels greeting"


def read_seed():
    with open(os.path.join(DATA, "seed_bootstrap.sh"), encoding="utf-8") as file:
        return file.read()


def assert_whole(driver, ranks, record=None):
    for rank in range(ranks):
        lines = driver.log(rank, record).decode().splitlines()
        assert lines[-3:-1] == ["Barrier...", "Bootstrap complete!"]
        assert lines[-1].endswith(" we love you")
        assert ("Installation complete" in lines) == (lines[-1].split()[1] == "0")

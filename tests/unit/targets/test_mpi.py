"""MPI's ranks wait for what mpirun tells them, each with pipes of its own."""

from __future__ import annotations

import os
import stat

import pytest

from localrun.errors import LocalrunError
from localrun.plan import EnvironmentPlan, Plan, RankPlan, SourcePlan
from localrun.supervise.process import Process
from localrun.targets import mpi

RANKS = tuple(RankPlan(rank=rank, local_rank=rank % 2, node=rank // 2) for rank in range(4))
PLAN = Plan(
    target="local", experiment="e", environment=EnvironmentPlan(kind="interpreter"), source=SourcePlan(),
    argv=("python", "a.py"), ranks=RANKS, nodes=2, processes_per_node=2, distribution="mpi",
)  # fmt: skip


def make_processes(path):
    return tuple(
        Process(rank=rank.rank, node=rank.node, argv=("x", "y z"), variables=(("PATH", path),), directory="/", log="")
        for rank in RANKS
    )


def test_rank_becomes_its_command_with_its_place_on_its_node():
    argv = mpi.wrap(PLAN, RANKS[3], ("x", "y z"), "/run")
    assert argv == ("/bin/sh", "/run/mpi/rank.sh", "/run/mpi", "3", "4", "1", "2", "x", "y z")


def test_mpirun_knows_one_host_or_every_node():
    assert mpi.describe_start(PLAN, "/run")[1:] == ("/run/mpi/start.sh", "/run/mpi", "4")
    assert mpi.describe_start(PLAN, "/run", ("node-0", "node-1"))[-1] == "node-0:2,node-1:2"


def test_joined_ranks_have_pipes_of_their_own_and_mpirun_a_log_of_its_own(tmp_path):
    (tmp_path / "mpirun").write_text("#!/bin/sh\n")
    (tmp_path / "mpirun").chmod(0o755)
    joined, mpirun = mpi.join_ranks(PLAN, make_processes(str(tmp_path)), str(tmp_path))
    assert [process.argv[-2:] for process in joined] == [("x", "y z")] * 4
    assert mpirun.log == str(tmp_path / "user_logs" / "mpi_log.txt")
    pipes = [path for path in (tmp_path / "mpi").iterdir() if stat.S_ISFIFO(path.stat().st_mode)]
    assert len(pipes) == 12
    assert os.access(tmp_path / "mpi" / "agent.sh", os.X_OK)


def test_without_an_mpirun_nothing_is_made(tmp_path):
    with pytest.raises(LocalrunError, match="needs an mpirun") as caught:
        mpi.join_ranks(PLAN, make_processes(str(tmp_path)), str(tmp_path))
    assert (caught.value.code, bool(caught.value.hint)) == ("no_mpirun", True)
    assert not (tmp_path / "mpi").exists()

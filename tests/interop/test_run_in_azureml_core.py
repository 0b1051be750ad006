"""`Run` in a script whose environment has azureml-core: its own class, completed in place."""

from __future__ import annotations

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

from run_kit import Driver
from script_kit import check


@pytest.fixture
def localrun(own_workspace, tmp_path):
    return Driver(own_workspace, tmp_path / "source")


def test_a_real_azureml_core_is_completed_in_place(localrun, oracle_v1):
    check(localrun, "-E", f"interpreter:{oracle_v1}")
    script = localrun.write("where.py", "import azureml.core, azureml.core.run as m; print(m.__file__)")
    done = localrun.run("-E", f"interpreter:{oracle_v1}", script)
    assert b"site-packages" in done.stdout


def test_no_shim_leaves_azureml_core_as_it_is(localrun, oracle_v1):
    text = "from azureml.core import Run; run = Run.get_context(); run.log('a', 1); print(run.id)"
    done = localrun.run("--no-shim", "-E", f"interpreter:{oracle_v1}", localrun.write("train.py", text))
    assert b"OfflineRun_" in done.stdout
    assert "metrics" not in localrun.record()
    assert not os.path.exists(os.path.join(localrun.record()["folder"], "journal"))

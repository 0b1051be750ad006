from __future__ import annotations

import pytest

from localrun.adapters.out_of_memory import count_out_of_memory


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("membership", "counter", "text"),
    [
        ("4:cpu,memory:/a/b\n0::/\n", "memory/a/b/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
        ("4:memory:/outside/of/this/container\n", "memory/memory.oom_control", "oom_kill 3\n"),
        ("0::/user.slice/x:y\n", "user.slice/x:y/memory.events", "low 0\noom 9\noom_kill 3\noom_group_kill 0\n"),
        ("0::/\n", "memory.events", "oom_kill 3\n"),
    ],
)
def test_count_of_the_own_control_group(tmp_path, membership, counter, text):
    write(tmp_path / "membership", membership)
    write(tmp_path / "root" / counter, text)
    write(tmp_path / "vmstat", "oom_kill 77\n")
    assert count(tmp_path) == 3


def count(folder):
    return count_out_of_memory(
        membership=str(folder / "membership"), root=str(folder / "root"), system=str(folder / "vmstat")
    )


@pytest.mark.parametrize("membership", [None, "0::/\n", "1:cpu:/\n", "nonsense\n"])
def test_count_of_the_machine_where_no_group_tells(tmp_path, membership):
    if membership is not None:
        write(tmp_path / "membership", membership)
    write(tmp_path / "vmstat", "pgfree 1\noom_kill 77\nthp 0\n")
    assert count(tmp_path) == 77


def test_nobody_tells(tmp_path):
    assert count(tmp_path) == 0
    write(tmp_path / "vmstat", "oom_kill many\n")
    assert count(tmp_path) == 0

"""The second engine of the fault tests does to its containers what a real one does."""

from __future__ import annotations

from engine_kit import BARE, find_left


def test_a_container_outlives_an_engine_that_is_killed(second_engine):
    name = second_engine.docker("run", "--detach", BARE, "sh", "-c", "read line; exit 5")
    second_engine.kill()
    assert not second_engine.answers()
    second_engine.up()
    assert second_engine.inspect(name)["State"]["ExitCode"] in {0, 5, 255}  # 255: nobody saw its end


def test_a_restarted_engine_has_ended_its_containers(second_engine):
    name = second_engine.docker("run", "--detach", "--init", BARE, "sleep", "600")
    second_engine.restart()
    assert second_engine.inspect(name)["State"]["ExitCode"] in {143, 137}  # 137: it took the container too long


def test_what_has_a_label_of_ours_is_found(second_engine, tmp_path):
    label = f"localrun.test={tmp_path}"
    name = second_engine.docker("create", "--label", label, BARE, "true")
    network = second_engine.docker("network", "create", "--label", label, "found")
    second_engine.docker("volume", "create", "--label", "localrun.test=other", "found")
    second_engine.docker("create", "--label", "another.localrun=no", BARE, "true")
    assert len(find_left(second_engine)) == 3
    assert len(find_left(second_engine, str(tmp_path))) == 2
    second_engine.docker("rm", name)
    second_engine.docker("network", "rm", network)
    second_engine.docker("volume", "rm", "found")
    assert find_left(second_engine) == []

from __future__ import annotations

import json

import pytest

from localrun.cli.diff import describe
from localrun.workspace.differences import SECTIONS, compare_runs


def make_record(run_id, versions="", **more):
    environment = {"kind": "image", "conda": ["python", "numpy"], "pip": [], "image": {"name": "one", "base_id": "b"}}
    plan = {"environment": environment, "variables": {"A": "1"}, "target": "docker", "nodes": 1}
    record = {"run_id": run_id, "plan": plan, "artifact": {"image": "sha256:1", "image_digest": "sha256:d1"}}
    record |= {"command": ["python", "train.py"], "host": "one", "machine": {"processors": 2, "localrun": "0.1"}}
    record |= {"timings": {"prepare": 0.1}, "duration_s": 1.0, "status": "completed", "exit_code": 0, "inputs": {}}
    return record | {"versions": str(versions)} | more


def write_versions(path, **versions):
    conda = [{"name": name, "version": version, "build": "0"} for name, version in versions.items()]
    path.write_text(json.dumps({"conda": conda, "pip": [{"name": "tabulate", "version": "1"}]}))
    return path


def compare(home, before, after):
    found = compare_runs(str(home), before, after, lambda name, text: "***" if "TOKEN" in name else text)
    return found, {name: found[name] for name in SECTIONS if found[name]}


def test_equal_records_are_the_same(tmp_path):
    found, changed = compare(tmp_path, make_record("a"), make_record("b"))
    assert found["same"] is True
    assert changed == {}
    assert describe(found).endswith("is the same.\n")


def test_packages_are_told_old_to_new(tmp_path):
    old = write_versions(tmp_path / "old", numpy="1.0", gone="3")
    new = write_versions(tmp_path / "new", numpy="2.0", more="4")
    found, changed = compare(tmp_path, make_record("a", old), make_record("b", new))
    assert list(changed) == ["environment"]
    pairs = {change["field"]: (change["before"], change["after"]) for change in changed["environment"]}
    assert pairs == {"conda numpy": ("1.0 0", "2.0 0"), "conda gone": ("3 0", None), "conda more": (None, "4 0")}
    assert "  conda numpy: 1.0 0 -> 2.0 0\n" in describe(found)
    assert found["same"] is False


def test_another_order_of_packages_is_told(tmp_path):
    after = make_record("b")
    after["plan"]["environment"]["conda"] = ["numpy", "python"]
    found, changed = compare(tmp_path, make_record("a"), after)
    assert [change["field"] for change in changed["environment"]] == ["conda"]
    assert "  conda: in another order\n" in describe(found)


def test_image_id_digest_and_base_are_told(tmp_path):
    after = make_record("b", artifact={"image": "sha256:2", "image_digest": "sha256:d2"})
    after["plan"]["environment"]["image"] = {"name": "one", "base_id": "c"}
    found, changed = compare(tmp_path, make_record("a"), after)
    assert [change["field"] for change in changed["image"]] == ["base_id", "id", "digest"]
    assert changed["image"][-1] == {"field": "digest", "before": "sha256:d1", "after": "sha256:d2"}
    assert found["same"] is False


@pytest.mark.parametrize(
    ("more", "section", "fields"),
    [
        ({"host": "two"}, "machine", ["host"]),
        ({"machine": {"processors": 4, "localrun": "0.2"}}, "machine", ["processors", "localrun"]),
        ({"timings": {"prepare": 0.2}, "duration_s": 9.0}, "timings", ["duration_s", "prepare"]),
    ],
)
def test_machine_and_times_are_told_and_do_not_count(tmp_path, more, section, fields):
    found, changed = compare(tmp_path, make_record("a"), make_record("b", **more))
    assert {name: [change["field"] for change in changes] for name, changes in changed.items()} == {section: fields}
    assert found["same"] is True


def test_exit_codes_of_ranks_and_what_records_do_not_keep_are_told(tmp_path):
    ranks = [[{"rank": 0, "exit_code": 0}, {"rank": 1, "exit_code": code}] for code in (0, 3)]
    after = make_record("b", ranks=ranks[1], status="failed", exit_code=3)
    after["plan"]["withheld"] = ["TOKEN"]
    _, changed = compare(tmp_path, make_record("a", ranks=ranks[0]), after)
    assert [change["field"] for change in changed["exit"]] == ["status", "exit_code", "rank 1"]
    assert [change["field"] for change in changed["settings"]] == ["withheld"]


def test_a_field_that_an_earlier_localrun_did_not_write_is_no_difference(tmp_path):
    after = make_record("b")
    after["plan"]["withheld"] = []
    assert compare(tmp_path, make_record("a"), after)[0]["same"] is True


def test_secrets_are_masked_and_outputs_are_compared_by_hash(tmp_path):
    before, after = make_record("a"), make_record("b")
    before["plan"]["variables"] |= {"TOKEN": "one"}
    after["plan"]["variables"] |= {"TOKEN": "two"}
    for run_id, text in (("a", "1"), ("b", "2")):
        (tmp_path / "runs" / run_id / "outputs").mkdir(parents=True)
        (tmp_path / "runs" / run_id / "outputs" / "same").write_text("x")
        (tmp_path / "runs" / run_id / "outputs" / "model").write_text(text)
    _, changed = compare(tmp_path, before, after)
    assert changed["variables"] == [{"field": "TOKEN", "before": "***", "after": "***"}]
    assert [change["field"] for change in changed["outputs"]] == ["outputs/model"]
    assert all(len(changed["outputs"][0][key]) == 64 for key in ("before", "after"))

from __future__ import annotations

import os

import pytest

from localrun.adapters.reach import find_bundle
from localrun.cli import doctor_machine, doctor_services
from localrun.cli.doctor_findings import FAILED, OK, WARNING


def only(findings):
    (finding,) = findings
    return finding


def test_proxies_are_shown_without_their_credentials():
    environ = {"HTTPS_PROXY": "http://me:word@proxy:3128", "NO_PROXY": "localhost,127.0.0.1"}
    found = only(doctor_services.check_proxies(environ))
    assert found.status == OK
    assert "word" not in found.says
    assert "HTTPS_PROXY=http://***@proxy:3128" in found.says


def test_a_proxy_for_this_machine_itself_is_warned_of():
    found = only(doctor_services.check_proxies({"https_proxy": "http://proxy:3128"}))
    assert found.status == WARNING
    assert "NO_PROXY" in found.hint


def test_a_bundle_of_authorities_that_is_not_there_is_named(tmp_path):
    missing = {"REQUESTS_CA_BUNDLE": str(tmp_path / "nope")}
    found = only(doctor_services.check_certificates(missing))
    assert (found.status, "REQUESTS_CA_BUNDLE" in found.hint) == (FAILED, True)
    there = tmp_path / "there"
    there.write_text("x")
    empty = only(doctor_services.check_certificates({"SSL_CERT_FILE": str(there)}))
    assert (empty.status, "PEM" in empty.hint) == (FAILED, True)
    there.write_text("-----BEGIN CERTIFICATE-----\n")
    assert only(doctor_services.check_certificates({"SSL_CERT_FILE": str(there)})).status == OK
    assert find_bundle({}) == ("", "")


@pytest.mark.parametrize(("ahead", "status"), [(0.4, OK), (-59, OK), (61, WARNING), (-3600, WARNING)])
def test_a_clock_that_is_far_off_is_warned_of(ahead, status):
    assert doctor_services.judge_clock(ahead).status == status


def test_a_workspace_that_cannot_be_used_fails(tmp_path):
    (tmp_path / "file").write_text("")
    found = only(doctor_machine.check_workspace({"LOCALRUN_HOME": str(tmp_path / "file")}))
    assert found.status == FAILED
    assert found.hint


def test_a_workspace_has_room(own_workspace):
    workspace, disk = doctor_machine.check_workspace({"LOCALRUN_HOME": str(own_workspace)})
    assert (workspace.status, workspace.says) == (OK, str(own_workspace))
    assert "GB free" in disk.says


def test_few_open_files_are_warned_of():
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
    try:
        found = doctor_machine.check_limits({})[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert found.status == WARNING
    assert found.hint.startswith("ulimit -n ")


def test_room_for_images_is_looked_at_where_it_can_be_seen(tmp_path, monkeypatch):
    assert only(doctor_services.judge_room(str(tmp_path))).says.endswith(f"free in {tmp_path}")
    assert doctor_services.judge_room(str(tmp_path / "elsewhere")) == []
    monkeypatch.setattr(doctor_services, "LITTLE_DISK", 1 << 60)
    found = only(doctor_services.judge_room(str(tmp_path)))
    assert (found.status, found.name) == (WARNING, "engine disk")
    assert found.hint


def test_few_watches_are_warned_of(monkeypatch):
    monkeypatch.setattr(doctor_machine, "ENOUGH_WATCHES", 1 << 60)
    found = next(item for item in doctor_machine.check_limits({}) if item.name == "inotify")
    assert found.status == WARNING
    assert "sysctl fs.inotify.max_user_watches=524288" in found.hint


def test_the_place_of_secrets_is_told(own_workspace):
    environ = {"LOCALRUN_HOME": str(own_workspace), "LOCALRUN_SECRETS": "file"}
    assert os.path.join("secrets", "box") in only(doctor_machine.check_keyring(environ)).says
    environ["LOCALRUN_SECRETS"] = "nonsense"
    assert only(doctor_machine.check_keyring(environ)).status == WARNING


def test_the_interpreter_is_told():
    assert only(doctor_machine.check_python({})).status == OK

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


def test_an_installation_without_what_makes_environments_fails(monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uv" else real(name))
    found = only(doctor_machine.check_python({}))
    assert (found.status, found.says.endswith(", without uv")) == (FAILED, True)
    assert "pip install" in found.hint


def test_few_processes_are_warned_of(monkeypatch):
    import resource

    limits = {resource.RLIMIT_NOFILE: (65_536, 65_536), resource.RLIMIT_NPROC: (100, 100)}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    found = doctor_machine.check_limits({})[0]
    assert (found.status, found.hint[-14:]) == (WARNING, "ulimit -u 4096")
    limits[resource.RLIMIT_NPROC] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    assert doctor_machine.check_limits({})[0].says.endswith("no limit of processes")


@pytest.mark.parametrize(("blocks", "status"), [(1000, WARNING), (10_000_000, OK)])
def test_little_shared_memory_is_warned_of(monkeypatch, blocks, status):
    facts = os.statvfs_result((4096, 4096, blocks, *[0] * 7))
    monkeypatch.setattr(os, "statvfs", lambda place: facts)
    assert {item.name: item.status for item in doctor_machine.check_limits({})}["shm"] == status


def test_what_a_system_does_not_have_is_not_looked_at(monkeypatch):
    import builtins

    def refuse(*arguments, **more):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(os, "statvfs", refuse)
    assert [item.name for item in doctor_machine.check_limits({})] == ["ulimit"]


def test_without_proxies_and_bundles_the_system_s_count():
    assert only(doctor_services.check_proxies({})).says == "none"
    assert only(doctor_services.check_certificates({})).says == "the system's"


def test_the_contexts_of_docker_are_told_and_which_one_is_used(tmp_path):
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    assert only(doctor_services._list_contexts(environ)).says == "used: default"
    place = tmp_path / "contexts" / "meta" / "1"
    place.mkdir(parents=True)
    (place / "meta.json").write_text('{"Name": "remote"}')
    (tmp_path / "config.json").write_text('{"currentContext": "remote"}')
    assert only(doctor_services._list_contexts(environ)).says == "used: remote; there are remote"
    environ["DOCKER_HOST"] = "unix:///x"
    assert only(doctor_services._list_contexts(environ)).says.startswith("used: none: DOCKER_HOST is set")
    (tmp_path / "config.json").write_text("nonsense")
    assert only(doctor_services._list_contexts(environ)).status == WARNING


def test_a_channel_of_this_machine_is_looked_for_where_it_is(tmp_path):
    there, answer = doctor_services._ask("channel", f"file://{tmp_path}", {}, "make it")
    assert (there.status, there.says, answer) == (OK, str(tmp_path), None)
    gone, _ = doctor_services._ask("channel", f"file://{tmp_path}/none", {}, "make it")
    assert (gone.status, gone.hint) == (WARNING, "make it")


def test_settings_of_conda_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "condarc").write_text("channels: {")
    found = only(doctor_services.check_channels({"CONDARC": str(tmp_path / "condarc")}))
    assert (found.status, found.name) == (FAILED, "channels")

"""ps, inspect and logs over run folders made by hand."""

from __future__ import annotations

import io
import json
import os

import pytest
from click.testing import CliRunner

from localrun.cli import show
from localrun.cli.control import rm, signal_number, wait
from localrun.cli.inspect import inspect
from localrun.cli.logs import logs
from localrun.cli.ps import ps
from localrun.errors import BadInput, RunNotFound
from localrun.workspace import records
from localrun.workspace.home import folder_of, open_home


@pytest.fixture
def home(own_workspace):
    return open_home(os.environ)


def make_run(home, run_id, outputs=(b"",), **changes):
    logs = ["std_log.txt"] if len(outputs) == 1 else [f"std_log_process_{rank}.txt" for rank in range(len(outputs))]
    record = {
        "schema": 1, "run_id": run_id, "status": "completed", "exit_code": 0, "experiment": "exp", "display_name": "",
        "target": "local", "started_at": "2026-01-02T03:04:05.678Z", "duration_s": 1.5, "folder": folder_of(home, run_id),
        "ranks": [{"rank": rank, "status": "completed", "log": log} for rank, log in enumerate(logs)],
    }  # fmt: skip
    records.insert(home, record | changes)
    folder = os.path.join(folder_of(home, run_id), "user_logs")
    os.makedirs(folder)
    for name, output in zip(logs, outputs, strict=True):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(output)


def invoke(command, *arguments):
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.stdout_bytes


def test_ps_without_runs_prints_the_heading(home):
    assert invoke(ps) == b"RUN ID  EXPERIMENT  STATUS  TARGET  STARTED (UTC)  DURATION\n"
    assert invoke(ps, "-a", "-q") == b""
    assert json.loads(invoke(ps, "-a", "--format", "json")) == []


def test_ps_lists_all_runs_newest_first_in_the_documented_shape(home):
    make_run(home, "a_1_00")
    make_run(home, "b_1_00", status="failed", exit_code=3, duration_s=3723.0)
    assert invoke(ps) == invoke(ps, "--format", "text")
    assert json.loads(invoke(ps, "-a", "--format", "json")) == [
        {"run_id": "b_1_00", "status": "failed", "exit_code": 3, "experiment": "exp", "target": "local",
         "started_at": "2026-01-02T03:04:05.678Z", "duration_s": 3723.0},
        {"run_id": "a_1_00", "status": "completed", "exit_code": 0, "experiment": "exp", "target": "local",
         "started_at": "2026-01-02T03:04:05.678Z", "duration_s": 1.5},
    ]  # fmt: skip
    assert invoke(ps, "-a").decode().splitlines()[1:] == [
        "b_1_00  exp         failed (3)     local   2026-01-02 03:04:05  1h02m",
        "a_1_00  exp         completed (0)  local   2026-01-02 03:04:05  1.5s",
    ]
    assert invoke(ps, "-q", "-n", "1") == b"b_1_00\n"


def test_run_that_runs_without_a_supervisor_is_never_listed_as_running(home, capsys):
    make_run(home, "a_1_00", status="running", exit_code=None)
    assert invoke(ps, "-q") == b""
    assert records.read(home, "a_1_00")["status"] == "lost"


def test_inspect_prints_the_record_without_control_bytes(home):
    make_run(home, "a_1_00", description="\x1b[31m\x7f\x9b \u202e \udcff")
    printed = invoke(inspect, "latest")
    assert json.loads(printed) == records.read(home, "a_1_00")
    assert all(byte == 10 or 32 <= byte < 127 for byte in printed)


def test_output_of_one_rank_is_printed_byte_for_byte(home):
    output = bytes(range(256)) * 10 + b"\x1b[31m no newline"
    make_run(home, "a_1_00", [output])
    assert invoke(logs, "a_1_00") == output
    assert invoke(logs, "-f", "--rank", "0", "a_1_00") == output


def test_output_of_several_ranks_is_whole_prefixed_escaped_lines(home):
    make_run(home, "a_1_00", [b"one\ntwo\x1b\n", b"10%\r100%\nlast"])
    assert invoke(logs, "a") == b"[rank 0] one\n[rank 0] two\\x1b\n[rank 1] 100%\n[rank 1] last\n"
    assert invoke(logs, "--rank", "1", "a") == b"10%\r100%\nlast"
    assert invoke(logs, "--tail", "1", "a") == b"[rank 0] two\\x1b\n[rank 1] last\n"


def test_logs_of_a_rank_that_is_not_there_name_those_that_are(home):
    make_run(home, "a_1_00", [b"", b""])
    with pytest.raises(RunNotFound, match="run a_1_00 has no rank 2") as caught:
        invoke(logs, "--rank", "2", "a_1_00")
    assert caught.value.hint == "Its ranks are 0, 1."


def test_a_rank_whose_log_is_gone_prints_nothing(home):
    make_run(home, "a_1_00", [b"x"])
    os.unlink(os.path.join(folder_of(home, "a_1_00"), "user_logs", "std_log.txt"))
    assert invoke(logs, "a_1_00") == b""


def test_log_name_in_a_record_cannot_leave_the_folder(home):
    make_run(home, "a_1_00", ranks=[{"rank": 0, "status": "completed", "log": "../../../../etc/passwd"}])
    assert invoke(logs, "a_1_00") == b""


def test_wait_for_ended_runs_prints_their_codes(home):
    make_run(home, "a_1_00")
    make_run(home, "b_1_00", exit_code=3, status="failed")
    assert invoke(wait, "b_1_00", "a_1_00") == b"3\n0\n"
    assert json.loads(invoke(wait, "b", "--format", "json")) == [
        {"run_id": "b_1_00", "status": "failed", "exit_code": 3}
    ]


def test_rm_touches_no_run_when_one_is_unknown(home):
    make_run(home, "a_1_00")
    with pytest.raises(RunNotFound):
        invoke(rm, "a_1_00", "unknown")
    assert invoke(rm, "a_1_00") == b"a_1_00\n"
    assert invoke(ps, "-a", "-q") == b""


@pytest.mark.parametrize("name", ["KILL", "kill", "SIGKILL", "sigkill", "9"])
def test_signal_has_a_name_or_a_number(name):
    assert signal_number(name) == 9


@pytest.mark.parametrize("name", ["", "0", "999", "BOOM", "-9", "²"])
def test_unknown_signal_is_refused(name):
    with pytest.raises(BadInput):
        signal_number(name)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (-1, "0.0s"), (0.04, "0.0s"), (59.94, "59.9s"), (245, "4m05s"), (7380, "2h03m"), (1e6, "277h46m")],
)
def test_durations_are_short(seconds, text):
    assert show.duration(seconds) == text


def test_table_escapes_cells_and_headings_stay(home):
    assert show.table([("A", "x\n"), ("LONG", "y")]) == "A      LONG\nx\\x0a  y\n"


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "é\n".encode()), ("ascii", b"\\xe9\n"), ("latin-1", b"\xe9\n")]
)
def test_what_the_encoding_lacks_is_shown_as_an_escape(monkeypatch, encoding, shown):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding))
    show.write("é\n")
    assert raw.getvalue() == shown


def test_closed_stdout_is_no_error(monkeypatch, capfd):
    monkeypatch.setattr("sys.stdout", None)
    show.write("x")
    show.write_bytes(b"x")
    assert capfd.readouterr() == ("", "")

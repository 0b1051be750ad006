"""Secrets reach ranks by their environment, and nothing else: a search by bytes finds them nowhere."""

from __future__ import annotations

import os
import sys

import pytest
from run_kit import wait_until
from secret_kit import (
    PLAIN,
    PRINTER,
    SECRET,
    check_a_terminal,
    find_forms,
    search_files,
    search_processes,
    store,
    watch_command_lines,
)

SCRIPT = (
    PRINTER
    + """
if len(sys.argv) > 1:
    with open(sys.argv[1], "w") as file:
        file.write("here")
    time.sleep(600)
"""
)


@pytest.fixture
def kept(localrun, monkeypatch):
    monkeypatch.setenv("LOCALRUN_SECRETS", "file")
    for name, text in (("multi", SECRET), ("plain", PLAIN)):
        store(localrun, name, text)
    return localrun


def test_a_secret_is_nowhere_but_in_the_ranks_environment(kept, tmp_path):
    script = kept.write("train.py", SCRIPT)
    marker = tmp_path / "marker"
    flags = ("--secret", "multi=MULTI", "--secret", "plain=PLAIN")
    for _ in range(2):  # the long way, then the warm one
        with kept.start("run", *flags, script, str(marker)) as child:
            wait_until(marker.exists, 30)
            wait_until(lambda: kept.records() and kept.record()["status"] == "running", 30)
            ranks = {rank["pid"] for rank in kept.record()["ranks"]}
            with open(f"/proc/{min(ranks)}/environ", "rb") as file:
                assert PLAIN.encode() in file.read()
            assert search_processes(but=ranks) == []
            child.terminate()
            out, err = child.communicate(timeout=30)
        assert find_forms(out + err) == []
        assert out.count(b"***") > 20
        os.unlink(marker)
    assert search_files(kept.home) == []
    assert kept.record()["plan"]["secrets"] == [["MULTI", "multi"], ["PLAIN", "plain"]]


def test_every_command_that_reads_shows_no_value(kept):
    script = kept.write("train.py", SCRIPT)
    flags = ("--secret", "multi=MULTI", "-e", "PLAIN=@Microsoft.KeyVault(VaultName=x;SecretName=plain)", script)
    said = [kept.run(*flags), kept.command("plan", *flags), kept.command("plan", "--format", "json", *flags)]
    said += [
        kept.command(*words) for words in (("inspect", "latest"), ("ps", "-a"), ("logs", "latest"), ("secret", "list"))
    ]
    assert [(done.args, done.returncode) for done in said if done.returncode] == []
    assert find_forms(b"".join(done.stdout + done.stderr for done in said)) == []


def test_the_search_finds_what_is_there(kept):
    script = kept.write("leak.py", "import os; open('outputs/leak.txt', 'w').write(os.environ['PLAIN'])")
    done = kept.run("--secret", "plain=PLAIN", script)
    assert "secret_in_outputs: a secret stands in outputs/leak.txt" in done.stderr.decode()
    assert [form for _, form in search_files(kept.home)] == ["plain"]
    assert any(note.startswith("secret_in_outputs") for note in kept.record()["notes"])


def test_no_mask_shows_it_on_the_terminal_only(kept):
    script = kept.write("train.py", SCRIPT)
    done = kept.run("--no-mask", "--secret", "multi=MULTI", "--secret", "plain=PLAIN", script)
    assert PLAIN.encode() in done.stdout
    assert SECRET.encode() in done.stdout
    assert search_files(kept.home) == []


def test_each_rank_is_masked(kept):
    script = kept.write("train.py", SCRIPT)
    done = kept.run("-n", "3", "--secret", "multi=MULTI", "--secret", "plain=PLAIN", script)
    assert done.returncode == 0, done.stderr
    assert find_forms(done.stdout) == []
    assert search_files(kept.home) == []


def test_a_short_secret_is_told_and_not_masked(kept):
    store(kept, "flag", "true\n")
    script = kept.write("train.py", "import os; print(os.environ['flag'])")
    done = kept.run("--secret", "flag", script)
    assert done.stdout == b"true\n"
    assert b"the secret flag is shorter than 6 characters: it is not masked" in done.stderr


def test_a_secret_that_is_not_there_starts_nothing(kept):
    done = kept.run("--secret", "nope", kept.write("train.py", "print(1)"))
    assert done.returncode == 125
    assert b"kind=secret_not_found" in done.stderr
    assert b"running" not in done.stderr  # it is told before an environment is made
    assert kept.records() == []


def test_a_bootstrap_script_has_it_and_is_masked(kept):
    kept.write("boot.sh", 'echo "boot $PLAIN"\n')
    done = kept.run("--bootstrap", "boot.sh", "--secret", "plain=PLAIN", kept.write("train.py", "print(1)"))
    assert done.stdout.startswith(b"boot ***\n")


def test_neither_localrun_nor_the_ranks_leave_core_files(kept):
    script = kept.write("train.py", "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])")
    done = kept.run("--secret", "plain=PLAIN", script, preexec_fn=raise_core_limit)
    assert done.stdout == b"0\n"


def raise_core_limit():
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def test_the_passphrase_does_not_reach_the_ranks(localrun):
    passphrase = {"LOCALRUN_SECRETS_PASSPHRASE": "correct horse battery"}
    store(localrun, "plain", PLAIN, env=passphrase)
    script = localrun.write("train.py", "import os; print(os.environ['plain'], *os.environ.values())")
    done = localrun.run("--secret", "plain", script, env=passphrase)
    assert done.returncode == 0, done.stderr
    assert b"correct horse" not in done.stdout
    locked = localrun.run("--secret", "plain", script, start_new_session=True)
    assert b"kind=secrets_locked" in locked.stderr


def test_a_secret_is_asked_for_unseen_on_a_terminal(localrun):
    import pexpect

    env = {**os.environ, "LOCALRUN_HOME": localrun.home, "LOCALRUN_SECRETS": "file"}
    child = pexpect.spawn(sys.executable, ["-m", "localrun", "secret", "set", "token"], env=env, timeout=30)
    child.expect("value of token: ")
    child.sendline(PLAIN)
    child.expect(pexpect.EOF)
    assert PLAIN.encode() not in child.before
    child.close()
    done = localrun.command("secret", "get", "token")
    assert done.stdout == PLAIN.encode()


def test_no_command_line_ever_holds_it(kept):
    with watch_command_lines() as seen:
        store(kept, "plain", PLAIN)
        kept.run("--secret", "plain=PLAIN", kept.write("train.py", "print(1)"))
    assert seen == []


def test_a_traceback_of_the_script_is_masked(kept):
    lines = ("import os", "token = os.environ['PLAIN']", "def connect(text):", "    raise KeyError(text)")
    done = kept.run("--secret", "plain=PLAIN", kept.write("train.py", "\n".join([*lines, "connect(token)"])))
    assert done.returncode == 1
    assert b"KeyError: '***'" in done.stdout
    assert find_forms(done.stdout + done.stderr) == []
    assert search_files(kept.home) == []


def test_mpirun_which_writes_a_log_of_its_own_has_no_secret(kept, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "mpirun").write_text('#!/bin/sh\necho "cannot export PLAIN=$PLAIN"\nexit 42\n')
    (programs / "mpirun").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    script = kept.write("train.py", "print(1)")
    flags = ("--secret", "plain=PLAIN", "--distribution", "mpi", "-n", "2")
    done = kept.run(*flags, script, env={"PATH": path})
    assert done.returncode == 42, done.stderr
    with open(os.path.join(kept.record()["folder"], "user_logs", "mpi_log.txt")) as log:
        assert log.read() == "cannot export PLAIN=\n"
    assert find_forms(done.stdout + done.stderr) == []
    assert search_files(kept.home) == []


def test_errors_and_tracebacks_of_localrun_hide_credentials_in_addresses(localrun):
    plain = ("run", "-E", f"https://me:{PLAIN}@example.org/x", localrun.write("train.py", ""))
    for words in (plain, ("--traceback", *plain)):
        done = localrun.command(*words)
        assert done.returncode != 0
        assert find_forms(done.stdout + done.stderr) == [], done.stderr
        assert b"environment https://***@example.org/x is not known" in done.stderr


def test_secrets_in_the_keyring_of_a_desktop_reach_a_run_and_no_file(localrun, tmp_path):
    """The back end is one that keyring finds by its name, as it finds a desktop's."""
    (tmp_path / "desktop.py").write_text(DESKTOP)
    desktop = tmp_path / "kept-by-the-desktop"
    env = {"PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "desktop.Keyring", "DESKTOP": str(desktop)}
    store(localrun, "plain", PLAIN, env=env)
    assert PLAIN in desktop.read_text()
    assert localrun.command("secret", "list", env=env).stdout == b"plain\n"
    script = localrun.write("train.py", "import os, sys; sys.exit(os.environ['TOKEN'][::-1] != sys.argv[1])")
    done = localrun.run("--secret", "plain=TOKEN", script, PLAIN[::-1], env=env)
    assert done.returncode == 0, done.stderr
    assert search_files(localrun.home) == []
    gone = localrun.run("--secret", "plain=TOKEN", script, PLAIN[::-1])
    assert b"kind=secrets_locked" in gone.stderr
    assert localrun.command("secret", "rm", "plain", env=env).returncode == 0
    assert PLAIN not in desktop.read_text()


def test_a_rank_with_the_users_terminal_is_masked(kept):
    check_a_terminal(kept)


DESKTOP = """
import json, os
from keyring.backend import KeyringBackend
class Keyring(KeyringBackend):
    priority = 5
    def _read(self):
        try:
            with open(os.environ["DESKTOP"]) as file:
                return json.load(file)
        except FileNotFoundError:
            return {}
    def _write(self, known):
        with open(os.environ["DESKTOP"], "w") as file:
            json.dump(known, file)
    def get_password(self, service, name):
        return self._read().get(service + name)
    def set_password(self, service, name, text):
        self._write({**self._read(), service + name: text})
    def delete_password(self, service, name):
        self._write({key: text for key, text in self._read().items() if key != service + name})
"""

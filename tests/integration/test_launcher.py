"""The launcher of containers, on this machine and without one: any POSIX shell, any variable, any exit code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from functools import partial

import pytest
from launcher_kit import Launched
from run_kit import wait_until

from localrun.targets.docker_script import Start

SHELLS = [
    pytest.param(words, id=words[0])
    for words in (("dash",), ("bash", "--posix"), ("busybox", "sh"))
    if shutil.which(words[0])
]
EVERY_BYTE = bytes(range(1, 256)).decode(errors="surrogateescape")
TOLD = "import os, sys; sys.stdout.buffer.write(os.environb[os.fsencode(sys.argv[1])])"


def make_start(*argv, variables=(), **options):
    given = {"directory": "/", **options}
    return Start(argv=argv, variables=tuple(dict(variables).items()), **given)


def run_all(folder, starts, **options):
    with Launched(folder, starts, **options) as launched:
        launched.wait_for("ended", len(starts))
        launched.tell("end")
        launched.child.wait(timeout=60)
        codes = {int(line[1]): int(line[2]) for line in launched.find("ended")}
        return [codes[rank] for rank in range(len(starts))], launched.hear_all()


def test_every_exit_code_and_every_ending_signal_is_told(tmp_path):
    signals = sorted(
        set(range(1, 32))
        - {signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
        - {signal.SIGURG, signal.SIGWINCH}
    )
    programs = [f"exit {code}" for code in range(256)] + [f"kill -{number} $$; sleep 9" for number in signals]
    expected = [*range(256), *(128 + number for number in signals)]
    found = []
    for at in range(0, len(programs), 48):
        some = [make_start("sh", "-c", program) for program in programs[at : at + 48]]
        found += run_all(tmp_path / str(at), some)[0]
    assert found == expected


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["PLAIN", "with.dot", "has-dash", "0first", "ünï", "a b", "UID", "IFS", "_", "PATHS"])
def test_variables_arrive_byte_for_byte_whatever_their_name(tmp_path, shell, name):
    start = make_start(sys.executable, "-c", TOLD, name, variables={name: EVERY_BYTE})
    codes, said = run_all(tmp_path / "node", [start], shell=shell)
    assert codes == [0], said
    assert said[0] == os.fsencode(EVERY_BYTE)


@pytest.mark.parametrize("shell", SHELLS)
def test_arguments_arrive_byte_for_byte(tmp_path, shell):
    words = ["", " ", "*", "$HOME", "`id`", "a'b\"c\\", "-n", "line\nline", EVERY_BYTE]
    program = "import os, sys; sys.stdout.buffer.write(b'|'.join(map(os.fsencode, sys.argv[1:])))"
    codes, said = run_all(tmp_path / "node", [make_start(sys.executable, "-c", program, *words)], shell=shell)
    assert codes == [0], said
    assert said[0] == b"|".join(map(os.fsencode, words))


@pytest.mark.parametrize("shell", SHELLS)
def test_ranks_ignore_no_signal_and_lead_sessions_of_their_own(tmp_path, shell):
    program = (
        "import os, signal as s; ignored = [n for n in range(1, 32) if s.getsignal(n) == s.SIG_IGN]; "
        "print(ignored, s.pthread_sigmask(s.SIG_BLOCK, ()), os.getsid(0) == os.getpid(), os.listdir('/proc/self/fd'))"
    )
    _, said = run_all(tmp_path / "node", [make_start(sys.executable, "-c", program)] * 2, shell=shell)
    plain = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, start_new_session=True)
    assert said == {0: plain.stdout, 1: plain.stdout}


def test_path_of_the_image_stays_behind_what_is_put_in_front_of_it(tmp_path):
    env = {"PATH": os.environ["PATH"], "SET": "by the image"}
    show = ("sh", "-c", 'echo "$PATH|$SET|$UNSET|$PYTHONPATH"')
    start = make_start(
        *show,
        leading=(("PATH", "/first:/second"), ("PYTHONPATH", "/shim")),
        fallbacks=(("SET", "x"), ("UNSET", "it's")),
    )
    given = make_start(
        *show,
        leading=(("PATH", "/first"), ("PYTHONPATH", "/shim")),
        variables={"PATH": os.defpath, "SET": "", "PYTHONPATH": "/own"},
    )
    _, said = run_all(tmp_path / "node", [start, given], env=env)
    assert said[0].decode() == f"/first:/second:{env['PATH']}|by the image|it's|/shim\n"
    assert said[1].decode() == f"/first:{os.defpath}|||/shim:/own\n"


@pytest.mark.parametrize(
    ("program", "code", "reason"),
    [
        ("no-such-program", 127, "there is no program no-such-program on PATH"),
        ("./no-such-program", 127, "No such file or directory"),
        ("./plain", 126, "Permission denied"),
        ("./folder", 126, "Permission denied"),
    ],
)
def test_program_that_cannot_be_started_is_explained_as_on_the_local_target(tmp_path, program, code, reason):
    from localrun.adapters import spawn

    (tmp_path / "plain").write_text("")
    (tmp_path / "folder").mkdir()
    codes, said = run_all(tmp_path / "node", [make_start(program, directory=str(tmp_path))])
    expected = f"localrun: cannot start {program} in {tmp_path}: {reason}\n"
    assert (codes, said[0].decode()) == ([code], expected)
    reader, writer = os.pipe()
    pid = spawn.spawn((program,), {"PATH": os.defpath}, directory=str(tmp_path), output=writer)
    os.close(writer)
    with open(reader, "rb") as local:
        assert (local.read().decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])) == (expected, code)


def test_folder_that_is_not_there_is_explained(tmp_path):
    codes, said = run_all(tmp_path / "node", [make_start("true", directory=str(tmp_path / "none"))])
    assert codes == [127]
    assert b"No such file or directory" in said[0]


def test_image_with_python3_alone_runs_python(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    for name in ("sh", "setsid"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    start = make_start("python", "-c", "print('here')", own_python=True)
    assert run_all(tmp_path / "node", [start], env={"PATH": str(tmp_path / "bin")})[1] == {0: b"here\n"}


@pytest.mark.parametrize("shell", SHELLS)
def test_shell_without_any_program_but_itself_is_enough(tmp_path, shell):
    shell = (shutil.which(shell[0]), *shell[1:])
    start = make_start(sys.executable, "-c", "import os; print(os.environ.get('A'))", variables={"A": "1"})
    missing = make_start(sys.executable, "-c", "pass", variables={"a.b": "1", "PATH": "/nowhere"})
    codes, said = run_all(tmp_path / "node", [start, missing], shell=shell, env={"PATH": "/nowhere"})
    assert (codes, said[0]) == ([0, 126], b"1\n")
    assert b"the image has no program env, which some variables need" in said[1]


def test_ranks_wait_for_the_bootstrap_and_go_on_when_they_are_released(tmp_path):
    script = make_start("sh", "-c", "echo first; exit 0")
    with Launched(tmp_path / "node", [make_start("echo", "second")] * 2, bootstrap=script) as launched:
        assert launched.wait_for("ended")[0][:3] == ["ended", "bootstrap", "0"]
        assert [line[1] for line in launched.find("started")] == ["bootstrap"]
        launched.tell("go")
        launched.wait_for("ended", 3)
        assert launched.hear_all() == {0: b"first\nsecond\n", 1: b"second\n"}


def test_ranks_never_start_when_the_bootstrap_is_not_followed_by_a_release(tmp_path):
    script = make_start("sh", "-c", "exit 7")
    with Launched(tmp_path / "node", [make_start("echo", "never")], bootstrap=script) as launched:
        assert launched.wait_for("ended")[0][1:3] == ["bootstrap", "7"]
        launched.tell("end")
        launched.child.wait(timeout=60)
        assert launched.hear_all() == {0: b""}


def test_signals_reach_the_whole_group_of_a_rank(tmp_path):
    child = "trap 'echo child; exit' USR1; echo on; while :; do sleep 0.05; done"
    program = f"trap 'echo rank; exit 3' USR1; bash -c \"{child}\" & while :; do wait; done"
    with Launched(tmp_path / "node", [make_start("bash", "-c", program)]) as launched:
        launched.wait_to_hear(b"on\n")
        launched.tell(f"signal {int(signal.SIGUSR1)} {launched.target(0)}")
        assert launched.wait_for("ended")[0][2] == "3"
        launched.wait_to_hear(b"child\n")
        assert b"rank\n" in launched.said[0]


def end_group(leader):
    """End a group; false: its leader has been named, and does not lead it yet."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def test_everything_ends_when_localrun_is_gone(tmp_path):
    with Launched(tmp_path / "node", [make_start("sleep", "600")]) as launched:
        launched.wait_for("started")
        os.close(launched.control)
        assert launched.child.wait(timeout=60) == -signal.SIGKILL  # an init process then ends what is left
        wait_until(partial(end_group, int(launched.target(0)[1:])))
        launched.control = os.open(os.devnull, os.O_RDONLY)


@pytest.mark.parametrize("shell", SHELLS)
def test_processes_of_others_are_not_taken_for_what_a_run_has_left(tmp_path, shell):
    with Launched(tmp_path / "node", [make_start("sleep", "600")], shell=shell) as launched:  # in no container
        launched.wait_for("started")
        launched.tell("look")  # `sweep` would end what this finds
        launched.wait_for("looked")
        assert launched.find("left") == []
        wait_until(partial(end_group, int(launched.target(0)[1:])))


def test_stop_of_the_container_is_told_and_ends_nothing_by_itself(tmp_path):
    program = "trap 'exit 4' TERM; echo on; while :; do sleep 0.05; done"
    with Launched(tmp_path / "node", [make_start("bash", "-c", program)]) as launched:
        launched.wait_to_hear(b"on\n")
        os.killpg(launched.child.pid, signal.SIGTERM)  # as the init process sends it on
        launched.wait_for("asked")
        assert launched.find("ended") == []
        launched.tell(f"signal 15 {launched.target(0)}")
        assert launched.wait_for("ended")[0][2] == "4"


def test_processor_time_of_a_rank_and_its_children_is_told(tmp_path):
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    with Launched(tmp_path / "node", [make_start(sys.executable, "-c", burn)]) as launched:
        ticks = int(launched.wait_for("ended")[0][4])
    assert 25 <= ticks <= 100

"""How the pages of the documentation are run: their files written, their commands typed, their output compared.

A page is run from top to bottom in a fresh folder, by one bash:

- a block with a title (```python title="train.py") is written as that file, when its turn comes;
- in a ```console block each line that begins with "$ " is a command, and the lines below it are what it prints. Where
  there are none, only the exit code counts. "…" stands for any text, a line of it alone for any lines;
- a command whose output has lines with "(Pdb) …" gets a terminal, and these lines are typed.

HTML comments, which readers do not see, say the rest. For the page, wherever they stand:

    <!-- needs: channel engine samples registry -->   what the test brings
    <!-- stands for: python:3.12-slim = localrun-test/python -->    a name that is not there, and what is used for it

For the next console block:

    <!-- not run: why not -->
    <!-- exit code: 3 -->       of its last command
    <!-- any order -->          lines of output may come in another order, among others
"""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass, field

REPOSITORY = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
COMMAND_TIMEOUT_S = 240
FENCE = re.compile(r"^```(\w*)(?: +title=\"([^\"]+)\")? *$")
COMMENT = re.compile(r"^<!-- (needs|stands for|not run|exit code|any order)(?:: (.+?))? -->$")


@dataclass
class Command:
    text: str
    output: list[str]
    line: int
    exit_code: int = 0
    any_order: bool = False


@dataclass
class File:
    name: str
    text: str


@dataclass
class Page:
    name: str
    steps: list[Command | File] = field(default_factory=list)
    not_run: list[tuple[str, list[str]]] = field(default_factory=list)
    """For each console block that is not run, why, and its commands."""
    needs: set[str] = field(default_factory=set)
    stands_for: dict[str, str] = field(default_factory=dict)

    def list_commands(self):
        return [step for step in self.steps if isinstance(step, Command)]


def list_pages():
    """Give the names of all pages, from the top of the repository."""
    docs = [
        os.path.relpath(os.path.join(folder, name), REPOSITORY)
        for folder, _, names in os.walk(os.path.join(REPOSITORY, "docs"))
        for name in names
        if name.endswith(".md")
    ]
    return ["README.md", *sorted(docs)]


def read_page(name):
    with open(os.path.join(REPOSITORY, name), encoding="utf-8") as file:
        return parse_page(name, file.read())


def parse_page(name, text):
    page, said, block = Page(name), {}, None
    for number, line in enumerate(text.splitlines(), 1):
        if block is not None and line != "```":
            block[-1].append(line)
        elif block is not None:
            _close_block(page, said, *block)
            block, said = None, {}
        elif line.startswith("```"):
            opened = FENCE.match(line)
            assert opened, f"{name}:{number}: cannot read {line}"
            block = [number, *opened.groups(), []]
        elif comment := COMMENT.match(line):
            _note(page, said, *comment.groups())
        else:
            assert not line.startswith("<!--"), f"{name}:{number}: cannot read {line}"
    assert block is None, f"{name}: a block has no end"
    assert not said, f"{name}: {said} belongs to no block"
    return page


def _note(page, said, key, value):
    if key == "needs":
        page.needs |= set(value.split())
    elif key == "stands for":
        shown, _, used = value.partition(" = ")
        page.stands_for[shown] = used
    else:
        said[key] = value


def _close_block(page, said, number, language, title, lines):
    if title:
        page.steps.append(File(title, "\n".join(lines) + "\n"))
    if language != "console":
        assert not said, f"{page.name}:{number}: {said} belongs to no console block"
        return
    commands = _read_commands(f"{page.name}:{number}", number, lines)
    if "not run" in said:
        page.not_run.append((said["not run"], [command.text for command in commands]))
        return
    commands[-1].exit_code = int(said.get("exit code", 0))
    for command in commands:
        command.any_order = "any order" in said
    page.steps += commands


def _read_commands(place, number, lines):
    commands: list[Command] = []
    for offset, line in enumerate(lines, 1):
        if line.startswith("$ "):
            commands.append(Command(line[2:], [], number + offset))
            continue
        assert commands, f"{place}: the block begins with what is no command"
        if commands[-1].text.endswith("\\") and not commands[-1].output:
            commands[-1].text += "\n" + line
        else:
            commands[-1].output.append(line)
    assert commands, f"{place}: a console block without a command"
    return commands


class Shell:
    """One bash that a page's commands are typed into; what they print, on both streams, comes back in order."""

    def __init__(self, folder, environ):
        self._end = f"--end-of-command-{os.getpid()}--"
        self._bash = subprocess.Popen(
            ("bash", "--noprofile", "--norc"),
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def type(self, text):
        """Run a command; give its exit code and what it printed."""
        self._bash.stdin.write(f"eval {shlex.quote(text)} </dev/null\nprintf '%s%d\\n' {self._end} $?\n".encode())
        self._bash.stdin.flush()
        printed, deadline = b"", time.monotonic() + COMMAND_TIMEOUT_S
        while (ended := re.search(rb"%s(\d+)\n" % self._end.encode(), printed)) is None:
            assert time.monotonic() < deadline, f"$ {text}\n{printed.decode()}\nIt did not end in time."
            if select.select([self._bash.stdout], [], [], 1)[0]:
                more = os.read(self._bash.stdout.fileno(), 65536)
                assert more, f"$ {text}\n{printed.decode()}\nThe shell ended."
                printed += more
        return int(ended[1]), printed[: ended.start()].decode()

    def type_on_terminal(self, text, answers):
        """Run a command on a terminal where the page's shell is, and answer each "(Pdb) " with the next line."""
        import pexpect

        _, folder = self.type("pwd")
        _, variables = self.type("env -0")
        environ = dict(item.partition("=")[::2] for item in variables.split("\0") if "=" in item)
        child = pexpect.spawn(
            "bash",
            ["--noprofile", "--norc", "-c", text],
            cwd=folder.rstrip("\n"),
            env=environ | {"TERM": "dumb", "NO_COLOR": "1"},
            dimensions=(50, 200),
            timeout=COMMAND_TIMEOUT_S,
            encoding="utf-8",
        )
        printed = ""
        for answer in answers:
            child.expect_exact("(Pdb) ")
            printed += child.before + child.after
            child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        return child.exitstatus, (printed + child.before).replace("\r\n", "\n")

    def close(self):
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()


def run_page(page, folder, environ):
    """Run all of a page in a folder, and give what is not as the page says, as a text; empty when all is."""
    shell = Shell(folder, environ)
    try:
        for step in page.steps:
            if isinstance(step, File):
                _write(page, folder, step)
            elif wrong := _run_command(page, shell, step):
                return wrong
    finally:
        shell.close()
    return ""


def _write(page, folder, step):
    path = os.path.join(folder, step.name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(_replace(step.text, page.stands_for))


def _replace(text, names):
    for shown, used in names.items():
        text = text.replace(shown, used)
    return text


def _run_command(page, shell, command):
    text = _replace(command.text, page.stands_for)
    answers = [line.partition("(Pdb) ")[2] for line in command.output if line.startswith("(Pdb) ")]
    code, printed = shell.type_on_terminal(text, answers) if answers else shell.type(text)
    wrong = f"it ended with {code}, not with {command.exit_code}" if code != command.exit_code else ""
    if not wrong and command.output:
        wanted = [_replace(line, page.stands_for) for line in command.output]
        wrong = compare(wanted, printed, any_order=command.any_order)
    return f"{page.name}:{command.line}\n$ {text}\n{printed}\n{wrong}" if wrong else ""


def compare(wanted, printed, *, any_order=False):
    """Say how the output of a command differs from what the page shows; nothing when it does not."""
    lines = [line.rstrip() for line in printed.rstrip("\n").split("\n")]
    if any_order:
        return _find_missing([line for line in wanted if line.strip() != "…"], lines)
    parts = ["(?:.*\n)*?" if line.strip() == "…" else _to_pattern(line.rstrip()) + "\n" for line in wanted]
    if re.fullmatch("".join(parts), "\n".join(lines) + "\n"):
        return ""
    return "The page shows:\n" + "\n".join(wanted)


def _find_missing(wanted, lines):
    left = list(lines)
    for line in wanted:
        found = next((one for one in left if re.fullmatch(_to_pattern(line.rstrip()), one)), None)
        if found is None:
            return f"The page shows a line that did not come: {line}"
        left.remove(found)
    return ""


def _to_pattern(line):
    return ".*".join(re.escape(part) for part in line.split("…"))

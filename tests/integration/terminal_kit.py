"""`localrun` on a terminal of its own, and a client of debuggers."""

from __future__ import annotations

import json
import os
import socket

import pexpect
from run_kit import LOCALRUN

PDB = """
import os
print("rank", os.environ.get("RANK", "0"), "begins", flush=True)
secret = 41 + int(os.environ.get("RANK", "0"))
if os.environ.get("RANK", "1") == "1":
    breakpoint()
print("went on with", secret, flush=True)
"""
TALK = """
import os, signal, sys
print(sys.stdin.isatty(), sys.stdout.isatty(), os.get_terminal_size(), flush=True)
signal.signal(signal.SIGWINCH, lambda *_: print("now", os.get_terminal_size(), flush=True))
while True:
    try:
        line = input("say: ")
    except KeyboardInterrupt:
        print("<interrupted>", flush=True)
        continue
    if line == "end":
        break
    print("heard", repr(line), flush=True)
raise SystemExit(4)
"""


def open_terminal(localrun, *words, **options):
    """Start a command of `localrun` in the source folder, on a terminal of 30 lines and 90 columns."""
    environ = {**os.environ, "LOCALRUN_HOME": localrun.home, "TERM": "dumb"}
    options = {"cwd": localrun.source, "dimensions": (30, 90), "timeout": 60, "encoding": "utf-8"} | options
    return pexpect.spawn(LOCALRUN[0], [*LOCALRUN[1:], *words], env=environ | options.pop("env", {}), **options)


def end(terminal):
    """Wait for a command's end and give its exit code."""
    terminal.expect(pexpect.EOF)
    terminal.wait()
    terminal.close()
    return terminal.exitstatus


def talk(terminal):
    """Go through all of TALK: the size of the terminal, a line, Ctrl-C, another size."""
    terminal.expect(r"True True os.terminal_size\(columns=90, lines=30\)\r\n")
    terminal.expect("say: ")
    terminal.sendline("hello")
    terminal.expect("heard 'hello'\r\n")
    terminal.expect("say: ")
    terminal.sendintr()
    terminal.expect("<interrupted>")
    terminal.setwinsize(40, 100)
    terminal.expect(r"now os.terminal_size\(columns=100, lines=40\)")
    terminal.sendline("end")
    terminal.expect("ended with exit code 4 after")
    assert end(terminal) == 4


class Client:
    """A client of the Debug Adapter Protocol, as an editor is one."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.socket.makefile("rb")
        self.number = 0

    def ask(self, command, **arguments):
        self.number += 1
        body = json.dumps({"seq": self.number, "type": "request", "command": command, "arguments": arguments}).encode()
        self.socket.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        return self.number

    def read(self):
        length = 0
        while (line := self.file.readline()) not in (b"\r\n", b""):
            length = int(line.partition(b":")[2])
        return json.loads(self.file.read(length))

    def expect(self, kind, name):
        while True:
            message = self.read()
            if message["type"] == kind and message.get("command", message.get("event")) == name:
                return message


def stop_at_a_breakpoint(localrun, *words):
    """Run a script with `words`, go through it with a debugger, and give what it printed."""
    localrun.write("train.py", "x = 6 * 7\nprint('x is', x, flush=True)\n")
    with localrun.start("run", *words, text=True) as child:
        said = ""
        while "launch.json" not in said:
            said = child.stderr.readline()
            assert said, child.wait()
        port = int(said.split("127.0.0.1:")[1].split(";")[0])
        entry = json.loads(child.stderr.readline().removeprefix("localrun: "))
        assert entry["connect"] == {"host": "127.0.0.1", "port": port}
        assert entry["pathMappings"][0]["localRoot"] == localrun.source
        inside = entry["pathMappings"][0]["remoteRoot"]
        while "waiting for a debugger" not in child.stdout.readline():
            pass
        client = Client(port)
        client.ask("initialize", adapterID="test", pathFormat="path")
        assert client.expect("response", "initialize")["success"]
        client.ask("attach", justMyCode=False)
        client.expect("event", "initialized")
        client.ask("setBreakpoints", source={"path": f"{inside}/train.py"}, breakpoints=[{"line": 2}])
        assert client.expect("response", "setBreakpoints")["body"]["breakpoints"][0]["verified"]
        client.ask("configurationDone")
        stopped = client.expect("event", "stopped")
        assert stopped["body"]["reason"] == "breakpoint"
        client.ask("continue", threadId=stopped["body"]["threadId"])
        out, err = child.communicate(timeout=60)
        client.file.close()
        client.socket.close()
    assert child.returncode == 0, err
    assert not [note for note in localrun.record()["notes"] if "left" in note]
    return out


def debug_rank_1(driver, terminal, expression, answer):
    """Look at an expression where rank 1 of `PDB` has stopped, and let it go on to the end of the run."""
    terminal.expect(r"\(Pdb\) ")
    assert "rank 0" not in terminal.before
    terminal.sendline(f"p {expression}")
    terminal.expect(f"{answer}\r\n")
    terminal.expect(r"\(Pdb\) ")
    terminal.sendline("c")
    terminal.expect("went on with 42\r\n")
    terminal.expect("completed after")
    assert end(terminal) == 0
    assert b"went on with 42" in driver.log(1)
    assert b"went on with 41" in driver.log(0)

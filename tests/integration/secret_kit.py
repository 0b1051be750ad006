"""Planted secrets, the forms to look for them in, and the search."""

from __future__ import annotations

import base64
import html
import json
import os
import threading
from contextlib import contextmanager
from urllib.parse import quote

SECRET = 'Planted/v@lue+"ü"\nsecond&line<7>'
PLAIN = "PlantedTokenValue0123"
FORMS = {
    "raw": SECRET,
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "base64 behind a user": base64.b64encode(b"me:" + SECRET.encode()).decode()[4:-4],
    "percent": quote(SECRET),
    "percent all": quote(SECRET, safe=""),
    "json": json.dumps(SECRET)[1:-1],
    "json utf-8": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "python": repr(SECRET)[1:-1],
    "html": html.escape(SECRET),
    "hex": SECRET.encode().hex(),
    "first line": SECRET.splitlines()[0],
    "utf-16": SECRET.encode("utf-16-le").decode("latin-1"),
    "plain": PLAIN,
    "plain base64": base64.b64encode(PLAIN.encode()).decode(),
    "plain hex": PLAIN.encode().hex(),
}
PRINTER = """
import base64, html, json, os, sys, time
from urllib.parse import quote
for name in ("MULTI", "PLAIN"):
    text = os.environ[name]
    raw = text.encode()
    print(text, repr(text), json.dumps([text]), json.dumps([text], ensure_ascii=False), quote(text), quote(text, safe=""))
    print(base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.b64encode(b"me:" + raw), raw.hex(), html.escape(text))
    sys.stdout.flush()
    os.write(1, raw[:7]); time.sleep(0.05); os.write(1, raw[7:] + b"\\n")
    os.write(1, b"x" * 65530 + raw + b"\\n")
"""


def store(driver, name, text, **options):
    """Store a secret whose value comes from a file that is gone at once."""
    path = os.path.join(os.path.dirname(driver.source), "value")
    with open(path, "w+b") as file:
        os.unlink(path)
        file.write(text.encode())
        file.seek(0)
        assert driver.command("secret", "set", name, stdin=file, **options).returncode == 0


def find_forms(data):
    return [
        name for name, text in FORMS.items() if (text.encode("latin-1") if name == "utf-16" else text.encode()) in data
    ]


def search_files(folder, find=find_forms):
    """Give path and form for each form that `find` sees in a file below a folder."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    found += [(path, form) for form in find(file.read())]
    return found


def search_processes(*, but):
    """Search the command lines of every process, and the environment of every one but some."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        files = ["cmdline"] if int(name) in but else ["cmdline", "environ"]
        for file in files:
            try:
                with open(f"/proc/{name}/{file}", "rb") as stream:
                    found += [(name, file, form) for form in find_forms(stream.read())]
            except OSError:
                continue
    return found


@contextmanager
def watch_command_lines():
    """Look at the command line of every new process every few milliseconds; give the list of what is found.

    Those that were there before, hundreds of them, are not looked at as long as they are there.
    """
    seen, over = [], threading.Event()
    before = set(filter(str.isdigit, os.listdir("/proc")))

    def look():
        while not over.wait(0.005):
            names = set(filter(str.isdigit, os.listdir("/proc")))
            before.intersection_update(names)
            for name in names - before:
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as file:
                        seen.extend(find_forms(file.read()))
                except OSError:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def check_a_terminal(localrun, *flags):
    """A rank that has the user's terminal is masked there, too, piece by piece."""
    from terminal_kit import end, open_terminal

    text = "import os\nt = os.environ['PLAIN']\nprint('now', t[:5], sep=':', end='', flush=True)\n"
    localrun.write("train.py", text + "input(t[5:] + ' say: ')\nraise SystemExit(t)\n")
    terminal = open_terminal(localrun, "run", *flags, "--secret", "plain=PLAIN", "-it", "train.py")
    terminal.expect_exact("now:*** say: ")
    terminal.sendline("hello")
    terminal.expect_exact("***")
    assert end(terminal) == 1
    assert localrun.log().replace(b"\r", b"") == b"now:*** say: hello\n***\n"
    assert search_files(localrun.home) == []

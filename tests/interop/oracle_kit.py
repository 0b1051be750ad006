"""An SDK in a process of its own that answers many questions: to import it takes seconds."""

from __future__ import annotations

import json
import os
import subprocess


class Oracle:
    """Runs a program that answers each line of JSON on its standard input with one that begins with a brace.

    Attributes:
        home: The folder that it takes for the user's own; what it says on standard error is kept there.
    """

    def __init__(self, python, program, home):
        self.home = str(home)
        environ = {"PATH": os.environ["PATH"], "HOME": self.home, "PYTHONUTF8": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        with open(os.path.join(self.home, "errors"), "w", encoding="utf-8") as errors:
            self._process = subprocess.Popen([python, "-c", program], stderr=errors, env=environ, **pipes)

    def ask(self, questions):
        """Give an answer for each question."""
        return [self._ask(question) for question in questions]

    def _ask(self, question):
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        with open(os.path.join(self.home, "errors"), encoding="utf-8", errors="replace") as file:
            raise AssertionError(f"no answer to {question}: {file.read()[-3000:]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

"""What the installer child and its parent say to one another."""

from __future__ import annotations

import json
import os
from typing import Any, Protocol


class Tell(Protocol):
    """Passes on one thing to tell the user; the fields are those of `environments.settings.Progress`."""

    def __call__(self, stage: str, text: str, done: int = 0, total: int = 0, unit: str = "") -> None:
        """Pass it on."""


class Refused(Exception):
    """A task that cannot be done, told in words for the user.

    Attributes:
        answer: `code`, `message`, `hint` and `detail`, as in `LocalrunError`.
    """

    def __init__(self, code: str, message: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.answer = {"code": code, "message": message, "hint": hint, "detail": detail}


def write_answer(path: str, answer: dict[str, Any]) -> None:
    """Write a JSON file that is there completely or not at all."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os.replace(temporary, path)

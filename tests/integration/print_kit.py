"""Scripts that print much or odd things, and what is looked at then."""

from __future__ import annotations

import re

FILL = """
import os, sys
for _ in range(int(sys.argv[1])):
    os.write(1, b"x" * 999 + b"\\n")
sys.exit(int(sys.argv[2]))
"""
MANY = """
import hashlib, os, sys
rank, lines = os.environ.get("RANK", "0"), int(sys.argv[1])
text = "".join(f"{rank} {number:07d} {'x' * (number % 61)}\\n" for number in range(lines)).encode()
view = memoryview(text)
while view:
    view = view[os.write(1, view[:30011]):]  # writes end anywhere in a line
open(sys.argv[2] + rank, "w").write(hashlib.sha256(text).hexdigest())
"""
BYTES = (
    b"\xff\xfe ok\n\0nul\0\n\x1b[31mred\x1b[0m \x9b2J\rlast\na\r\n\xe2\x80\xae\nt\xc3\xbcr\n\x07no newline at the end"
)


def expected_lines(rank, lines):
    return [f"{rank} {number:07d} {'x' * (number % 61)}" for number in range(lines)]


def peak_mebibytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) / 1024

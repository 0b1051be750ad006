"""Tell whether what is installed in a prefix belongs to a resolution, from inside of it: run by its own interpreter.

This file's text is handed to that interpreter, which may be as old as Python 3.6; it imports nothing but the standard
library. Exit code 0 means that what uv has installed is in the resolution in the same version, and that nothing else in
the prefix would be replaced; 1 that it is not so. What is in the resolution and not in the prefix goes into a file.
"""
# ruff: noqa: B905, UP006, UP035 - the oldest interpreter decides

import os
import re
import sys
import sysconfig
from typing import Dict


def main(resolved: str, missing: str) -> int:
    """Compare what is installed with a resolution, one `name==version` a line; what is missing is such a file too."""
    with open(resolved, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip()]
    pairs = [line.split(";")[0].strip().partition("==") for line in lines]
    if not all(sign for _, sign, _ in pairs):
        return 1
    wanted = {_normalize(name): version.strip() for name, _, version in pairs}
    there = set()
    for site in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for folder in os.listdir(site) if os.path.isdir(site) else ():
            if folder.endswith(".dist-info"):
                if not _fits(os.path.join(site, folder), wanted):
                    return 1
                there.add(_normalize(folder[: -len(".dist-info")].partition("-")[0]))
    with open(missing, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line, pair in zip(lines, pairs) if _normalize(pair[0]) not in there)
    return 0


def _fits(folder: str, wanted: Dict[str, str]) -> bool:
    name, _, version = os.path.basename(folder)[: -len(".dist-info")].partition("-")
    by_uv = _read(os.path.join(folder, "INSTALLER")).strip() == "uv"
    if by_uv and os.path.exists(os.path.join(folder, "direct_url.json")):
        return False
    known = wanted.get(_normalize(name))
    return not by_uv if known is None else known == version


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))

"""Byte-compile what is installed in a prefix, from inside of it: run by its own interpreter.

This file's text is handed to that interpreter with that of `compile_bytecode`, which does the work, beside it. It may
be as old as Python 3.6, so it imports nothing but the standard library. Packages are known by their RECORD (PyPA,
"Recording installed projects").
"""
# ruff: noqa: UP006, UP035 - the oldest interpreter decides

import csv
import hashlib
import importlib
import importlib.util
import io
import json
import os
import sys
import sysconfig
from typing import Dict, List, Tuple

Unit = Tuple[str, str, List[str], Dict[str, str]]


def main(cache: str) -> None:
    """Compile the packages that have no bytecode, from a folder that keeps what was compiled before."""
    sites = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    units = [unit for site in sites if os.path.isdir(site) for unit in list_units(site)]
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.stdin = io.StringIO(json.dumps({"cache": cache, "units": units, "processes": os.cpu_count() or 1}))
    importlib.import_module("compile_bytecode").main()


def list_units(site: str) -> List[Unit]:
    """Give (key, folder, source files, hashes) for each package of a site folder that has source and no bytecode."""
    units = []  # type: List[Unit]
    for name in sorted(os.listdir(site)):
        hashes = _read_sources(os.path.join(site, name, "RECORD")) if name.endswith(".dist-info") else {}
        if hashes and not any(_is_compiled(os.path.join(site, path)) for path in hashes):
            key = hashlib.sha256(json.dumps(sorted(hashes.items())).encode()).hexdigest()
            units.append((key, site, list(hashes), hashes))
    return units


def _read_sources(path: str) -> Dict[str, str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = [row for row in csv.reader(file) if len(row) == 3]  # noqa: PLR2004 - path, hash, size
    except (OSError, csv.Error):
        return {}
    return {row[0]: row[1] for row in rows if row[0].endswith(".py") and not row[0].startswith(("..", "/"))}


def _is_compiled(path: str) -> bool:
    return os.path.exists(importlib.util.cache_from_source(path))


if __name__ == "__main__":
    main(sys.argv[1])

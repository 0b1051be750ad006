"""Check the outputs of a run of this sample: `python verify.py OUTPUTS [VERSIONS VERSIONS]`; exit code 0 when right.

VERSIONS is the file with the resolved packages of a run, which `localrun inspect` names; two runs are compared.
"""

from __future__ import annotations

import json
import os
import runpy
import sys

DISTRIBUTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "digits-distributed")


def compare_versions(first: str, second: str) -> list[str]:
    """Give the packages that two runs have in different versions, or that only one of them has."""
    found = []
    for name in (first, second):
        with open(name, encoding="utf-8") as file:
            parts = json.load(file)
        found.append({(part, one["name"]): (one["version"], one.get("build")) for part in parts for one in parts[part]})
    one, other = found
    return [
        f"{part} package {name}: {one.get((part, name))} and {other.get((part, name))}"
        for part, name in sorted(one.keys() | other.keys())
        if one.get((part, name)) != other.get((part, name))
    ]


if __name__ == "__main__":
    outputs, *versions = sys.argv[1:] or ["outputs"]
    problems = runpy.run_path(os.path.join(DISTRIBUTED, "verify.py"))["verify"](outputs)
    problems += compare_versions(*versions) if versions else []
    print("\n".join(problems) or "digits-docker: the outputs are right")
    sys.exit(1 if problems else 0)

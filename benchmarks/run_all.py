"""All pairs, one table.

python benchmarks/run_all.py [--json FILE] [NAME...]
"""

from __future__ import annotations

import argparse
import importlib
import sys

from pairs import print_table

NAMES = (
    "warm_run", "help", "ps", "four_ranks", "many_ranks", "failure", "sigterm", "barrier", "memory", "logs",
    "conda_environment", "snapshots",
    "docker_first_line", "docker_stop", "docker_logs", "docker_image",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="", metavar="FILE", help="write the table there as JSON as well")
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    asked = parser.parse_args()
    rows = []
    for name in asked.names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(name).measure()
    print_table(rows, asked.json)


if __name__ == "__main__":
    main()

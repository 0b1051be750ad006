"""A `conda create --dry-run --json` for conda-lock, which solves nothing itself: py-rattler does the solving."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

import rattler
from rattler.repo_data.gateway import Gateway


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", action="version", version="conda 24.1.0")
    parser.add_argument("command", choices=["create"])
    parser.add_argument("--prefix")
    parser.add_argument("--channel", action="append", default=[])
    for flag in ("--dry-run", "--json", "--override-channels", "--yes"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("specs", nargs="*")
    given = parser.parse_intermixed_args()
    records = asyncio.run(solve(given.channel, given.specs, os.environ["CONDA_SUBDIR"]))
    fetch = [describe(record) for record in records]
    link = [action | {"dist_name": action["fn"].removesuffix(".conda")} for action in fetch]
    sys.stdout.write(json.dumps({"success": True, "actions": {"FETCH": fetch, "LINK": link}}))
    sys.stdout.flush()
    os._exit(0)


async def solve(channels, specs, platform):
    return await rattler.solve(
        [rattler.Channel(channel) for channel in channels],
        [rattler.MatchSpec(spec) for spec in specs],
        gateway=Gateway(cache_dir=os.path.join(os.environ["HOME"], "repodata")),
        platforms=[platform, "noarch"],
        virtual_packages=[],
    )


def describe(record):
    return {
        "name": record.name.normalized,
        "version": str(record.version),
        "build_string": str(record.build),
        "build_number": record.build_number,
        "channel": record.channel,
        "base_url": record.url.rpartition("/")[0].rpartition("/")[0],
        "platform": record.subdir,
        "subdir": record.subdir,
        "fn": record.file_name,
        "url": record.url,
        "depends": list(record.depends),
        "constrains": list(record.constrains),
        "md5": record.md5.hex(),
        "sha256": record.sha256.hex(),
        "timestamp": 0,
    }


if __name__ == "__main__":
    main()

"""What py-rattler tells while it links, passed on; and the last look at each package before its files are placed."""

from __future__ import annotations

import os
import time
from typing import Any

from localrun.adapters.answers import Refused, Tell, write_answer
from localrun.adapters.rattler_cache import stem_of
from localrun.adapters.rattler_checks import PathGuard

_SECONDS_BETWEEN_BYTES = 0.1


class LinkReporter:
    """Counts packages and bytes, in py-rattler's words (`InstallerReporter`)."""

    def __init__(self, records: list[dict[str, Any]], cache: str, answer: str, tell: Tell) -> None:
        self._records = {record["name"]: record for record in records}
        self._cache = cache
        self._answer = answer
        self._tell = tell
        self._guard = PathGuard()
        self._linked = 0
        self._names: list[str] = []
        self._sizes: dict[int, tuple[int, int]] = {}
        self._told_at = 0.0

    def on_transaction_start(self, total_operations: int) -> None:
        """Begin."""
        self._tell("link", "linking packages", 0, total_operations, "packages")

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:  # noqa: ARG002 - py-rattler's form
        """Give a token that stands for the package from now on."""
        self._names.append(package_name)
        return len(self._names) - 1

    def on_download_start(self, cache_entry: int) -> int:
        """Tell which package is fetched, and from where."""
        record = self._records.get(self._names[cache_entry], {})
        self._tell("download", f"fetching {record.get('url', self._names[cache_entry])}")
        return cache_entry

    def on_download_progress(self, download_idx: int, progress: int, total: int | None) -> None:
        """Count bytes of all downloads together."""
        self._sizes[download_idx] = (progress, total or self._size(download_idx))
        if time.monotonic() - self._told_at >= _SECONDS_BETWEEN_BYTES:
            self._told_at = time.monotonic()
            done, of = (sum(column) for column in zip(*self._sizes.values(), strict=True))
            self._tell("download", "fetching packages", done, of, "bytes")

    def _size(self, token: int) -> int:
        return int(self._records.get(self._names[token], {}).get("size", 0))

    def on_link_start(self, operation: int, package_name: str) -> int:  # noqa: ARG002 - py-rattler's form
        """Look at the package, extracted and validated by now; end this process when it is hostile.

        An exception would be swallowed by py-rattler, and the package linked.
        """
        record = self._records[package_name]
        folder = os.path.join(self._cache, stem_of(record["file_name"]))
        try:
            self._guard.check(f"{package_name} {record['version']} ({record['url']})", folder)
        except Refused as refusal:
            write_answer(self._answer, {"error": refusal.answer})
            os._exit(0)
        except BaseException:  # noqa: BLE001 - whatever it is: not one file of an unchecked package
            os._exit(70)
        return 0

    def on_link_complete(self, index: int) -> None:  # noqa: ARG002 - py-rattler's form
        """Count a package."""
        self._linked += 1
        self._tell("link", "linking packages", self._linked, len(self._records), "packages")

    def __getattr__(self, name: str) -> Any:
        """Take every other event, and do nothing about it."""
        if name.startswith("on_"):
            return _ignore
        raise AttributeError(name)


def _ignore(*_: object) -> int:
    return 0

"""What two runs differ in: source, environment, variables, arguments, inputs, machine, times, ends and outputs."""

from __future__ import annotations

import os

from localrun.workspace.home import folder_of
from localrun.workspace.snapshot_store import list_kept, read_kept, read_reference
from localrun.workspace.versions import list_packages, read_versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from localrun.workspace.run_files import Record
    from localrun.workspace.snapshot_store import Entry
    from localrun.workspace.versions import Versions

    Facts = dict[str, object]
    Change = dict[str, object]
    """Of a `field` what it was `before` and is `after`; of a changed text file its `diff` besides."""

SECTIONS = (
    "source", "environment", "image", "variables", "arguments", "settings", "inputs", "machine", "timings", "exit",
    "outputs",
)  # fmt: skip
"""In the order in which they are told."""
INCIDENTAL = ("machine", "timings")
"""Sections that two runs of the same may differ in."""
MOST_TEXT_BYTES = 512 * 1024
MOST_TEXT_LINES = 5_000
"""Files that are larger, or have more lines, are not compared line by line."""
CHUNK_BYTES = 1024 * 1024
_SETTINGS = (
    "target", "nodes", "processes_per_node", "distribution", "bootstrap", "timeout_s", "overlay", "shim", "on_failure",
    "container", "secrets", "inherited", "withheld",
)  # fmt: skip


def compare_runs(home: str, before: Record, after: Record, mask: Callable[[str, str], str]) -> dict[str, Any]:
    """Give the differences of two runs.

    Args:
        home: The workspace.
        before: The record of the one.
        after: The record of the other.
        mask: Gives the value of a variable, by its name and value, as it may be shown.

    Returns:
        `before` and `after`, the run ids; `same`: nothing differs but what two runs of the same may differ in; and
        for each of `SECTIONS` a list of changes: `field`, `before` and `after` (null where there is none), of a changed
        text file of the source `diff` besides, its unified diff.

    Raises:
        StoreFailed: a snapshot cannot be read.
    """
    arguments = [record.get("command") for record in (before, after)]
    variables = _compare(*_both(_describe_variables, before, after))
    found = {
        "source": _compare_sources(home, before, after),
        "environment": _compare_environments(before, after),
        "image": _compare(*_both(_describe_image, before, after)),
        "variables": [
            change
            | {
                key: mask(str(change["field"]), str(change[key]))
                for key in ("before", "after")
                if change[key] is not None
            }
            for change in variables
        ],
        "arguments": [] if arguments[0] == arguments[1] else [_change("command", *arguments)],
        "settings": _compare(*_both(_describe_settings, before, after)),
        "inputs": _compare(*_both(_describe_inputs, before, after)),
        "machine": _compare(*_both(_describe_machine, before, after)),
        "timings": _compare(*_both(_describe_timings, before, after)),
        "exit": _compare(*_both(_describe_exit, before, after)),
        "outputs": _compare_outputs(folder_of(home, before["run_id"]), folder_of(home, after["run_id"])),
    }
    same = not any(found[name] for name in SECTIONS if name not in INCIDENTAL)
    return {"before": before["run_id"], "after": after["run_id"], "same": same} | found


def _both(describe: Callable[[Record], Facts], before: Record, after: Record) -> list[Facts]:
    return [describe(before), describe(after)]


def _change(field: str, before: object, after: object) -> Change:
    return {"field": field, "before": before, "after": after}


def _compare(before: Facts, after: Facts) -> list[Change]:
    names = dict.fromkeys((*before, *after))
    return [_change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def _compare_sources(home: str, before: Record, after: Record) -> list[Change]:
    folders = [folder_of(home, record["run_id"]) for record in (before, after)]
    if read_reference(folders[0]) == read_reference(folders[1]) != "":
        return []
    kept = [list_kept(home, folder) for folder in folders]
    if kept[0] is None or kept[1] is None:
        said = [_describe_source(record, entries) for record, entries in zip((before, after), kept, strict=True)]
        return [] if said[0] == said[1] else [_change("snapshot", *said)]
    old, new = ({entry.path: entry for entry in entries or () if entry.kind != "folder"} for entries in kept)
    changes = []
    for path in sorted({*old, *new}):
        pair = (old.get(path), new.get(path))
        described = [None if entry is None else _describe_entry(entry) for entry in pair]
        if described[0] != described[1]:
            change = _change(path, *described)
            text = _compare_texts(home, path, *pair)
            changes.append(change | {"diff": text} if text else change)
    return changes


def _describe_source(record: Record, entries: tuple[Entry, ...] | None) -> str:
    if entries is not None:
        return "kept"
    source = (record.get("plan") or {}).get("source") or {}
    return f"in place, in {source.get('directory')}" if source.get("in_place") else "not kept"


def _describe_entry(entry: Entry) -> str:
    executable = " executable" if entry.kind == "file" and entry.mode & 0o100 else ""
    return f"{entry.kind} {entry.digest}{executable}"


def _compare_texts(home: str, path: str, old: Entry | None, new: Entry | None) -> str:
    """Give the unified diff of two files; empty when one is not a text, or is too large."""
    import difflib

    lines = []
    for entry in (old, new):
        data = b"" if entry is None else read_kept(home, entry) if entry.size <= MOST_TEXT_BYTES else b"\0"
        if b"\0" in data or data.count(b"\n") > MOST_TEXT_LINES:
            return ""
        lines.append(data.decode(errors="backslashreplace").splitlines(keepends=True))
    names = ("/dev/null" if old is None else f"a/{path}", "/dev/null" if new is None else f"b/{path}")
    told = difflib.unified_diff(lines[0], lines[1], names[0], names[1])
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in told)


def _compare_environments(before: Record, after: Record) -> list[Change]:
    found = _compare(*_both(_describe_environment, before, after))
    kept = [read_versions(record.get("versions") or "") for record in (before, after)]
    return found + _compare(*map(_describe_packages, kept)) if all(kept) else found


def _describe_environment(record: Record) -> Facts:
    environment = (record.get("plan") or {}).get("environment") or {}
    names = ("kind", "label", "registered", "platform", "channels", "conda", "pip", "interpreter", "fingerprint")
    return {name: environment.get(name) for name in names}


def _describe_packages(versions: Versions) -> Facts:
    """Give version and build of each package, by manager and name."""
    return {f"{one[0]} {one[1]}": " ".join(filter(None, one[2:])) for one in list_packages(versions)}


def _describe_image(record: Record) -> Facts:
    artifact = record.get("artifact") or {}
    image = ((record.get("plan") or {}).get("environment") or {}).get("image") or {}
    names = ("name", "base", "base_id", "platform")
    return {name: image.get(name) for name in names} | {
        "id": artifact.get("image") or None,
        "digest": artifact.get("image_digest") or None,
    }


def _describe_variables(record: Record) -> Facts:
    plan = record.get("plan") or {}
    found: Facts = {**(plan.get("fallbacks") or {}), **(plan.get("variables") or {})}
    for rank in plan.get("ranks") or ():
        found |= {f"{name} (rank {rank['rank']})": text for name, text in (rank.get("variables") or {}).items()}
    return found


def _describe_settings(record: Record) -> Facts:
    plan = record.get("plan") or {}
    return {name: plan.get(name) or None for name in _SETTINGS}


def _describe_inputs(record: Record) -> Facts:
    hashes = record.get("inputs") or {}
    found: Facts = {}
    for item in (record.get("plan") or {}).get("inputs") or ():
        known = hashes.get(item["name"]) or {}
        found[item["name"]] = {"path": item["path"], "sha256": known.get("sha256"), "bytes": known.get("bytes")}
    return found


def _describe_machine(record: Record) -> Facts:
    return {"host": record.get("host")} | (record.get("machine") or {})


def _describe_timings(record: Record) -> Facts:
    return {"duration_s": record.get("duration_s"), **(record.get("timings") or {})}


def _describe_exit(record: Record) -> Facts:
    found = {name: record.get(name) for name in ("status", "exit_code", "kind")}
    ranks = record.get("ranks") or ()
    return found | {f"rank {rank['rank']}": rank.get("exit_code") for rank in ranks if len(ranks) > 1}


def _compare_outputs(before: str, after: str) -> list[Change]:
    old, new = (dict(list_outputs(folder)) for folder in (before, after))
    changes = []
    for name in sorted({*old, *new}):
        sizes = old.get(name), new.get(name)
        hashes = [hash_output(os.path.join(folder, name)) if size is not None else None
                  for folder, size in zip((before, after), sizes, strict=True)]  # fmt: skip
        if hashes[0] != hashes[1]:
            changes.append(_change(name, *hashes))
    return changes


def list_outputs(folder: str) -> Iterable[tuple[str, int]]:
    """Give path, relative to a run's folder, and size of each of its output files; links are not followed."""
    for top in ("outputs", "named-outputs"):
        root = os.path.realpath(os.path.join(folder, top))
        for place, _, names in os.walk(root):
            for name in names:
                path = os.path.join(place, name)
                yield os.path.join(top, os.path.relpath(path, root)), os.lstat(path).st_size


def hash_output(path: str) -> str:
    """Give the SHA-256 of a file, or what a link says; empty when it cannot be read."""
    import hashlib

    if os.path.islink(path):
        return f"link to {os.readlink(path)}"
    hashed = hashlib.sha256()
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                hashed.update(chunk)
    except OSError:
        return ""
    return hashed.hexdigest()

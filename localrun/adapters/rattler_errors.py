"""py-rattler's errors, in words for the user."""

from __future__ import annotations

import re
from typing import Any

from localrun.adapters.answers import Refused
from localrun.formats.lock_names import is_locked

_LONGEST_TEXT = 20_000
_LINES = 20
_FULL = ("os error 28", "os error 122", "No space left on device", "Disk quota exceeded")
_READ_ONLY = ("os error 30", "os error 13", "no eligible writable layers")


def translate(error: Exception, request: dict[str, Any]) -> Refused:
    """Say what an exception of py-rattler means."""
    kind = type(error).__name__
    text = clean(str(error))
    if any(sign in text for sign in _FULL):
        return Refused("store_full", "the disk is full", detail=shorten(text))
    if any(sign in text for sign in _READ_ONLY):
        return Refused("store_read_only", "the workspace cannot be written", detail=shorten(text))
    if kind == "SolverError":
        return _solver(text, request)
    if "MatchSpec" in kind or kind.startswith("Invalid"):
        return _spec(text, request)
    return _fetching(kind, text, request)


def _fetching(kind: str, text: str, request: dict[str, Any]) -> Refused:
    detail = shorten(text)
    fetched = re.search(r"failed to fetch (\S+)", text)
    for record in request.get("records", ()) if fetched else ():
        if fetched and record["file_name"] == fetched.group(1):
            return _package(text, record, request)
    url = re.search(r"https?://[^\s)]+", text)
    if url and not request["offline"]:
        return _network(text, url.group())
    if url or kind in {"GatewayError", "FetchRepoDataError"}:
        return _channel(text, request)
    if "hash" in text or "checksum" in text:
        return Refused("channel", f"a package is not what its channel describes: {_first(text)}", detail=detail)
    return Refused("installer_crashed", f"the conda packages could not be installed: {_first(text)}", detail=detail)


def clean(text: str) -> str:
    """Make a foreign text fit for a message: no binary, no credentials, no endless length."""
    text = "".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in text[:_LONGEST_TEXT])
    text = re.sub(r"\ufffd(?:[^\n]{0,8}\ufffd){3,}", "[binary data]", text)
    return redact(text)


def redact(text: str) -> str:
    """Take user names, passwords and tokens out of the URLs in a text."""
    text = re.sub(r"([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s@]+@", r"\1", text)
    return re.sub(r"(://[^/\s]+(?:/[^/\s]+)*?)/t/[^/\s]+", r"\1", text)


def shorten(text: str) -> str:
    """Keep the first 20 lines."""
    lines = text.strip().split("\n")
    more = [f"… {len(lines) - _LINES} more lines in the log"] if len(lines) > _LINES else []
    return "\n".join(lines[:_LINES] + more)


def _first(text: str) -> str:
    return text.strip().split("\n")[0][:500]


def _solver(text: str, request: dict[str, Any]) -> Refused:
    channels = ", ".join(channel["name"] for channel in request["channels"])
    missing = [one.strip().removesuffix(".") for one in re.findall(r"No candidates were found for ([^\n]+)", text)]
    body = text.partition("because of:")[2].strip() or text
    if missing:
        return Refused(
            "solve",
            f"no package of {channels} for {request['platform']} matches {', '.join(missing)}",
            hint="check the spelling and the version, or add the channel that has it",
            detail=shorten(body),
        )
    named = dict.fromkeys(re.findall(r"^[├└]─ (\S+ \S+)", body, re.MULTILINE))
    return Refused(
        "solve",
        "these requirements cannot be met together: " + (", ".join(named) or _first(body)),
        hint="loosen or drop one of them",
        detail=shorten(body),
    )


def _spec(text: str, request: dict[str, Any]) -> Refused:
    return Refused(
        "solve",
        f"a conda requirement cannot be read: {_first(text)}; requirements: {', '.join(request['specs'])}",
        hint='write it as "name", "name=1.2" or "name >=1.2,<2"',
    )


def _network(text: str, url: str) -> Refused:
    status = re.search(r"\b([45]\d\d)\b (?:[A-Z][a-z]|\)|for)|\((\d{3})[ )]", text)
    code = next((one for one in status.groups() if one), "") if status else ""
    reason = text.strip().split("\n")[-1].removeprefix("Caused by: ")[:300]
    answer = f"answered {code}" if code else f"could not be read: {reason}"
    hints = {
        "401": "give the credentials in ~/.netrc or in rattler's credential store",
        "403": "the server refuses access: check the credentials and the channel's name",
        "404": "the channel or package is not there: check its name",
        "407": "the proxy wants credentials: set HTTPS_PROXY",
    }
    hint = hints.get(code, "try again later, use a mirror, or --offline when everything is in the cache")
    return Refused("channel", f"{url.rstrip('.,;:')} {answer}", hint=hint, detail=shorten(text))


def _package(text: str, record: dict[str, Any], request: dict[str, Any]) -> Refused:
    why = text.strip().split("\n")[-1].removeprefix("Caused by: ")[:300]
    status = re.search(r"\b[45]\d\d\b", text)
    said = f"answered {status.group()}" if status and "HTTP status" in text else f"gave no usable package: {why}"
    expected = f"expected {record['size']} bytes with sha256 {record['sha256'] or 'unknown'}"
    hint = "nothing of it was kept; try again, and if it stays so the channel or a proxy on the way is broken"
    message = f"{record['name']} {record['version']}: {redact(record['url'])} {said} ({expected})"
    if status and status.group() in {"404", "410"} and is_locked(request["specs"]):
        return missing_package(record)
    return Refused("channel", message, hint=hint, detail=shorten(text))


def missing_package(record: dict[str, Any]) -> Refused:
    """Say that a package of a lock is not there any more."""
    message = f"{record['name']} {record['version']} of the lock is gone: {redact(record['url'])} is not there"
    hint = "lock anew with localrun env lock --as-of DATE, the day of the lock: it takes what is left of that time"
    return Refused("channel", message, hint=hint)


def not_collected(record: dict[str, Any], folder: str) -> Refused:
    """Say that a package of a lock is not in the folder that was to have them all."""
    message = f"{record['name']} {record['version']} is not among the collected packages in {folder}"
    hint = "collect them once more where there is a network: localrun env vendor fetches what is missing"
    return Refused("offline", message, hint=hint)


def explain_fetch(error: Exception, file: dict[str, str]) -> Refused:
    """Say why a package file of a lock cannot be fetched.

    Args:
        error: What py-rattler raised.
        file: `name`, `version` and `url`.
    """
    text = clean(str(error))
    if any(sign in text for sign in _FULL):
        return Refused("store_full", "the disk is full", hint="free some space", detail=shorten(text))
    if re.search(r"\b(404|410)\b", text):
        return missing_package(file)
    return _network(text, redact(file["url"]))


def _channel(text: str, request: dict[str, Any]) -> Refused:
    channels = ", ".join(channel["url"] for channel in request["channels"])
    if request["offline"]:
        return Refused(
            "offline",
            f"the package lists of {channels} for {', '.join(request['specs'])} are not in the cache",
            hint="run once without --offline",
            detail=shorten(text),
        )
    message = f"the channel {channels} cannot be read: {_first(text)}"
    return Refused("channel", message, hint="check the channel's name or folder", detail=shorten(text))

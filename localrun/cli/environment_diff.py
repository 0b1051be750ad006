"""What `localrun environment diff` finds, and how it is told."""

from __future__ import annotations

from localrun.adapters.host import SUBDIRECTORIES
from localrun.escaping import escape
from localrun.resolve.definition import compare_documents, fingerprint_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Document = dict[str, Any]

_NAMES = ("name", "version", "assetId")


def compare(before: Document, after: Document) -> Document:
    """Give the differences of two environments.

    Returns:
        `before` and `after` (`NAME:VERSION`); `changes`, each with `field`, `before`, `after`; `environment_rebuilt`
        and `image_rebuilt`: whether the conda environment and the image of the one do not serve the other.
    """
    import platform
    import sys

    from localrun.formats.v1_environment import hide_secrets

    here = SUBDIRECTORIES.get((sys.platform, platform.machine()), f"{sys.platform}-{platform.machine()}")
    old, new = (fingerprint_document(document, platform=here) for document in (before, after))
    changes = compare_documents(_spread(hide_secrets(before)[0]), _spread(hide_secrets(after)[0]))
    return {
        "before": _title(before),
        "after": _title(after),
        "changes": [{"field": path, "before": was, "after": now} for path, was, now in changes],
        "environment_rebuilt": old.python != new.python,
        "image_rebuilt": old.image != new.image,
    }


def _spread(document: Document) -> Document:
    """Give a document without its names, and with the pip section beside conda's dependencies."""
    python = dict(document.get("python") or {})
    conda = python.get("condaDependencies")
    if isinstance(conda, dict):
        listed = conda.get("dependencies") or []
        pip = [line for item in listed if isinstance(item, dict) for line in item.get("pip") or ()]
        specs = [item for item in listed if not isinstance(item, dict)]
        python["condaDependencies"] = conda | {"dependencies": specs, "pip": pip}
    return {key: item for key, item in document.items() if key not in _NAMES} | {"python": python}


def _title(document: Document) -> str:
    name, version = str(document.get("name") or ""), str(document.get("version") or "")
    return f"{name}:{version}" if version else name


def describe(found: Document) -> str:
    """Give the differences as lines for people, escaped."""
    if not found["changes"]:
        return f"{escape(found['before'])} and {escape(found['after'])} are the same\n"
    lines = [line for change in found["changes"] for line in _describe_change(change)]
    again = "would be made again"
    same = "stays as it is"
    lines.append(f"the conda environment {again if found['environment_rebuilt'] else same}")
    lines.append(f"the image {again if found['image_rebuilt'] else same}")
    return "".join(f"{escape(line)}\n" for line in lines)


def _describe_change(change: Document) -> list[str]:
    was, now = change["before"], change["after"]
    if not (isinstance(was, list) and isinstance(now, list)):
        return [f"{change['field']}: {_text(was)} -> {_text(now)}"]
    gone = [f"  - {_text(item)}" for item in was if item not in now]
    new = [f"  + {_text(item)}" for item in now if item not in was]
    head = f"{change['field']}:" if gone or new else f"{change['field']}: in another order: {_text(now)}"
    return [head, *gone, *new]


def _text(item: Any) -> str:
    import json

    return "nothing" if item is None else json.dumps(item, ensure_ascii=False)

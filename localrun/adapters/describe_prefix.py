"""Tell what a conda prefix is, from inside of it: run by its own interpreter, in the container where an image is made.

This file's text is handed to that interpreter, which may be as old as Python 3.6; it imports nothing but the standard
library. It prints one line: a sign, then a JSON object with `version`, `sites`, `packages` (name, version, installer),
`variables` and `path`, what activation sets and puts in front of PATH.
"""
# ruff: noqa: UP006, UP035, PLW1510, FURB188 - the oldest interpreter decides

import json
import os
import subprocess
import sys
import sysconfig
from typing import Any, Dict, List

SIGN = "\x01localrun "
_SCRIPT = """
env -0; printf '\\1\\0'
for script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do . "$script" >&2; done
env -0
"""
_SHELL = ("_", "PWD", "OLDPWD", "SHLVL", "PATH")


def main(prefix: str) -> None:
    """Describe a prefix."""
    sites = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    name = os.path.basename(prefix)
    variables = {"CONDA_PREFIX": prefix, "CONDA_DEFAULT_ENV": name, "CONDA_SHLVL": "1"}
    variables.update(_read_settings(prefix))
    folders = _activate(prefix, variables)
    found = {
        "version": ".".join(map(str, sys.version_info[:3])),
        "sites": sites,
        "packages": _list_packages(sites),
        "variables": variables,
        "path": folders,
    }
    sys.stdout.write(SIGN + json.dumps(found) + "\n")


def _list_packages(sites: List[str]) -> List[List[str]]:
    found = []
    for site in sites:
        for name in sorted(os.listdir(site)) if os.path.isdir(site) else ():
            if name.endswith(".dist-info"):
                fields = _read_fields(os.path.join(site, name, "METADATA"))
                installer = _read(os.path.join(site, name, "INSTALLER")).strip()
                found.append([fields.get("Name", ""), fields.get("Version", ""), installer])
    return found


def _read_fields(path: str) -> Dict[str, str]:
    fields = {}  # type: Dict[str, str]
    for line in _read(path).split("\n\n")[0].split("\n"):
        key, colon, text = line.partition(":")
        if colon and key in ("Name", "Version"):
            fields.setdefault(key, text.strip())
    return fields


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _read_settings(prefix: str) -> Dict[str, str]:
    folder = os.path.join(prefix, "etc", "conda", "env_vars.d")
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))] if os.path.isdir(folder) else []
    found = {}  # type: Dict[str, str]
    for path in paths + [os.path.join(prefix, "conda-meta", "state")]:  # noqa: RUF005 - see above
        try:
            data = json.loads(_read(path) or "{}")
            data = data.get("env_vars", {}) if path.endswith("/state") else data
            found.update({str(key): str(text) for key, text in data.items() if isinstance(text, (str, int, float))})
        except (ValueError, AttributeError):
            pass
    return found


def _activate(prefix: str, variables: Dict[str, str]) -> List[str]:
    """Run the activation scripts; add what they set to the variables, and give the folders put in front of PATH."""
    scripts = os.path.join(prefix, "etc", "conda", "activate.d")
    if not os.path.isdir(scripts) or not any(one.endswith(".sh") for one in os.listdir(scripts)):
        return []
    path = prefix + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    shell = next(
        (one for one in ("/bin/bash", "/usr/bin/bash", prefix + "/bin/bash") if os.path.exists(one)), "/bin/sh"
    )
    base = dict(variables, PATH=path, HOME="/root")
    made = subprocess.run([shell, "-c", _SCRIPT], env=base, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    before, _, after = made.stdout.decode("utf-8", "surrogateescape").partition("\1\0")
    old, new = _parse(before), _parse(after)
    changed = {key: text for key, text in new.items() if old.get(key) != text}
    folders = changed.get("PATH", "")
    variables.update({key: text for key, text in changed.items() if key not in _SHELL})
    if folders.endswith(path):
        folders = folders[: -len(path)]
    return [part for part in folders.split(":") if part]


def _parse(text: str) -> Dict[str, Any]:
    return dict(part.split("=", 1) for part in text.split("\0") if "=" in part)


if __name__ == "__main__":
    main(sys.argv[1])

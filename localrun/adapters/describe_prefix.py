"""Tell what a conda prefix is and what activating it sets.

For an image, this file's text is handed to the interpreter of the prefix, in the container where the image is made.
That one may be as old as Python 3.6, so nothing but the standard library is imported here. It prints one line: a sign,
then a JSON object with `version`, `sites`, `packages` (name, version, installer), `variables` and `path`: what
activation sets and puts in front of PATH.
"""
# ruff: noqa: UP006, UP035, PLW1510, FURB188 - the oldest interpreter decides

import json
import os
import subprocess
import sys
from typing import Dict, List, Tuple

SIGN = "\x01localrun "
SCRIPT = """
env -0; printf '\\1\\0'
for script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do . "$script" >&2; done
env -0
"""
"""What a shell does: it prints its variables, runs the activation scripts, and prints them again."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELL = ("_", "PWD", "OLDPWD", "SHLVL", "PATH")


def main(prefix: str) -> None:
    """Describe a prefix."""
    import sysconfig

    sites = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    variables = list_variables(prefix)
    folders = _run_scripts(prefix, variables) if has_scripts(prefix) else []
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


def name_prefix(prefix: str) -> Dict[str, str]:
    """Give the variables by which conda names what is activated."""
    return {"CONDA_PREFIX": prefix, "CONDA_DEFAULT_ENV": os.path.basename(prefix), "CONDA_SHLVL": "1"}


def list_variables(prefix: str) -> Dict[str, str]:
    """Give what activation sets without running anything: CONDA_*, `etc/conda/env_vars.d`, then the state file.

    Source: https://docs.conda.io/projects/conda/en/stable/dev-guide/deep-dives/activation.html.
    """
    folder = os.path.join(prefix, "etc", "conda", "env_vars.d")
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))] if os.path.isdir(folder) else []
    found = name_prefix(prefix)
    for path in paths + [os.path.join(prefix, "conda-meta", "state")]:  # noqa: RUF005 - see above
        try:
            data = json.loads(_read(path) or "{}")
            data = data.get("env_vars", {}) if path.endswith("/state") else data
            found.update({str(key): str(text) for key, text in data.items() if isinstance(text, (str, int, float))})
        except (ValueError, AttributeError):
            pass
    return found


def has_scripts(prefix: str) -> bool:
    """Tell whether there are activation scripts."""
    scripts = os.path.join(prefix, "etc", "conda", "activate.d")
    return os.path.isdir(scripts) and any(one.endswith(".sh") for one in os.listdir(scripts))


def find_changes(told: str, path: str) -> Tuple[Dict[str, str], List[str]]:
    """Give the variables that the scripts set, of what `SCRIPT` printed, and the folders that they put before PATH.

    What they unset is not told.
    """
    before, _, after = told.partition("\1\0")
    old, new = _parse(before), _parse(after)
    changed = {key: text for key, text in new.items() if old.get(key) != text}
    folders = changed.get("PATH", "")
    if folders.endswith(path):
        folders = folders[: -len(path)]
    changed = {key: text for key, text in changed.items() if key not in _SHELL}
    return changed, [part for part in folders.split(":") if part]


def _run_scripts(prefix: str, variables: Dict[str, str]) -> List[str]:
    """Run the activation scripts; add what they set to the variables, and give the folders put in front of PATH."""
    path = prefix + "/bin:" + PATH
    shell = next(
        (one for one in ("/bin/bash", "/usr/bin/bash", prefix + "/bin/bash") if os.path.exists(one)), "/bin/sh"
    )
    base = dict(variables, PATH=path, HOME="/root")
    made = subprocess.run([shell, "-c", SCRIPT], env=base, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    changed, folders = find_changes(made.stdout.decode("utf-8", "surrogateescape"), path)
    variables.update(changed)
    return folders


def _parse(text: str) -> Dict[str, str]:
    return {part.partition("=")[0]: part.partition("=")[2] for part in text.split("\0") if "=" in part}


if __name__ == "__main__":
    main(sys.argv[1])

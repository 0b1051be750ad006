"""What activating an environment would set, worked out once when it is made."""

from __future__ import annotations

import json
import os

from localrun.adapters.children import Child, run_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SCRIPT = """
env -0; printf '\\1\\0'
for script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do . "$script" >&2; done
env -0
"""
_SHELL = {"_", "PWD", "OLDPWD", "SHLVL", "PATH"}
_PLAIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def work_out_activation(prefix: str, name: str, environ: Mapping[str, str], log: int) -> dict[str, str]:
    """Give what conda's activation of a prefix sets: CONDA_*, `etc/conda/env_vars.d`, and `etc/conda/activate.d`.

    The scripts are run here and never again. They see HOME, LANG and a plain PATH; what they unset is not told.

    Args:
        prefix: The environment.
        name: What CONDA_DEFAULT_ENV is to be.
        environ: The caller's environment variables.
        log: A descriptor that gets what the scripts print.

    Returns:
        Variables by name; PATH only when a script put folders in front of it: those folders.
    """
    variables = {"CONDA_PREFIX": prefix, "CONDA_DEFAULT_ENV": name, "CONDA_SHLVL": "1"} | _read_settings(prefix)
    scripts = os.path.join(prefix, "etc", "conda", "activate.d")
    if not os.path.isdir(scripts) or not any(one.endswith(".sh") for one in os.listdir(scripts)):
        return variables
    base = {name: environ[name] for name in ("HOME", "LANG", "USER", "TMPDIR") if name in environ}
    path = f"{prefix}/bin:{_PLAIN_PATH}"
    lines: list[str] = []
    run_child(
        Child(
            argv=("bash", "--noprofile", "--norc", "-c", _SCRIPT),
            environment=base | variables | {"PATH": path},
            directory=prefix,
        ),
        on_line=lines.append,
        log=log,
        no_progress_s=60,
    )
    before, _, after = "\n".join(lines).partition("\1\0")
    changed = dict(_parse(after).items() - _parse(before).items())
    folders = changed.get("PATH", "").removesuffix(path).strip(":")
    variables |= {name: text for name, text in changed.items() if name not in _SHELL}
    return variables | ({"PATH": folders} if folders else {})


def _parse(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split("\0") if "=" in part)


def _read_settings(prefix: str) -> dict[str, str]:
    # https://docs.conda.io/projects/conda/en/stable/dev-guide/deep-dives/activation.html: env_vars.d, then state
    folder = os.path.join(prefix, "etc", "conda", "env_vars.d")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    found: dict[str, str] = {}
    for path in (*(os.path.join(folder, name) for name in names), os.path.join(prefix, "conda-meta", "state")):
        found |= _read_variables(path)
    return found


def _read_variables(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        data = data.get("env_vars", {}) if path.endswith("/state") else data
        return {str(name): str(text) for name, text in data.items() if isinstance(text, str | int | float)}
    except (OSError, ValueError, AttributeError):
        return {}

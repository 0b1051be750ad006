"""What activating an environment would set, worked out once when it is made."""

from __future__ import annotations

from localrun.adapters.children import Child, run_child
from localrun.adapters.describe_prefix import PATH, SCRIPT, find_changes, has_scripts, list_variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def work_out_activation(prefix: str, environ: Mapping[str, str], log: int) -> tuple[dict[str, str], list[str]]:
    """Give what conda's activation of a prefix sets: CONDA_*, `etc/conda/env_vars.d`, and `etc/conda/activate.d`.

    The scripts are run here and never again. They see HOME, LANG and a plain PATH; what they unset is not told.

    Args:
        prefix: The environment.
        environ: The caller's environment variables.
        log: A descriptor that gets what the scripts print.

    Returns:
        Variables by name, and the folders that scripts put in front of PATH.
    """
    variables = list_variables(prefix)
    if not has_scripts(prefix):
        return variables, []
    base = {name: environ[name] for name in ("HOME", "LANG", "USER", "TMPDIR") if name in environ}
    path = f"{prefix}/bin:{PATH}"
    lines: list[str] = []
    run_child(
        Child(
            argv=("bash", "--noprofile", "--norc", "-c", SCRIPT),
            environment=base | variables | {"PATH": path},
            directory=prefix,
        ),
        on_line=lines.append,
        log=log,
        no_progress_s=60,
    )
    changed, folders = find_changes("\n".join(lines), path)
    return variables | changed, folders

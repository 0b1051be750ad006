"""What a run tells the `Run` of its script: two variables, for `localrun.shim`."""

from __future__ import annotations

from localrun.plan import RUN_FOLDER
from localrun.resolve.credentials import hide_in_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import EnvironmentPlan
    from localrun.spec import RunSpec

LONGEST = 64 * 1024
"""Bytes: what describes the environment is shortened to its name beyond."""


def describe_context(
    spec: RunSpec, environment: EnvironmentPlan, secrets: tuple[tuple[str, str], ...]
) -> dict[str, str]:
    """Give `LOCALRUN_JOURNAL`, where the script's `Run` writes, and `LOCALRUN_CONTEXT`, what it knows, as JSON.

    Of secrets it knows names and variables.
    """
    if not spec.shim:
        return {}
    import json

    shown = hide_in_environment(environment)
    known: dict[str, object] = {"name": spec.environment.name if spec.environment else "", "label": shown.label}
    more: dict[str, object] = {"channels": shown.channels, "conda": shown.conda, "pip": shown.pip}
    more |= {"image": shown.image.name} if shown.image else {}
    known |= {name: item for name, item in more.items() if item}
    context: dict[str, object] = {
        "environment": known,
        "secrets": {name: variable for variable, name in secrets},
        "tags": dict(spec.tags),
        "display_name": spec.display_name or spec.name,
        "target": spec.target or "local",
    }
    context = {name: item for name, item in context.items() if item}
    text = json.dumps(context, separators=(",", ":"))
    if len(text) > LONGEST:
        context["environment"] = {"name": known["name"], "label": known["label"]}
        text = json.dumps(context | {"tags": {}}, separators=(",", ":"))
    return {"LOCALRUN_JOURNAL": f"{RUN_FOLDER}/journal", "LOCALRUN_CONTEXT": text}

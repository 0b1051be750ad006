"""Secrets of a run: which variable gets which, by name. No value is known here."""

from __future__ import annotations

from localrun.formats.secret_names import looks_secret, name_secret
from localrun.formats.secret_references import check_secret_name, is_reference, read_reference
from localrun.resolve.refusal import locate, refuse
from localrun.resolve.variables import check_variable, merge_layers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from localrun.spec import RunSpec


def plan_secrets(spec: RunSpec, own: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Plan which variable gets which secret: pairs of variable and secret, sorted by variable.

    Args:
        spec: The run configuration: what `--secret` asked for, and variables whose value is a Key Vault reference.
        own: Names of variables that localrun sets.

    Raises:
        BadInput: a name cannot be one, a reference is not of the documented form, or two say what one variable holds.
    """
    of_environment = spec.environment.environment_variables if spec.environment else ()
    given = merge_layers(of_environment, spec.environment_variables)
    planned: dict[str, str] = {}
    for name, text in given.items():
        if is_reference(text) and name not in spec.inherited:
            key, line = locate(spec, f"environment_variables.{name}")
            planned[name] = read_reference(text, file=spec.file if line else "", line=line, key=key)
    said = {name for name, text in given.items() if not is_reference(text)} | {*spec.inherited}
    for variable, name in spec.secrets:
        check_secret_name(name, key="--secret")
        check_variable(variable, "", own, key="--secret")
        if variable in said:
            message = f"{variable} is given a value and the secret {name}"
            raise refuse(
                spec, message, key="", flag="--secret", hint=f"leave one out, or write --secret {name}=OTHER_NAME"
            )
        planned[variable] = name
    return tuple(sorted(planned.items()))


def plan_withheld(variables: Mapping[str, str], own: Collection[str]) -> tuple[str, ...]:
    """Plan which variables are secrets in plain text, by name, sorted.

    Args:
        variables: What the ranks get.
        own: Names of variables that localrun sets.
    """
    return tuple(sorted([name for name, text in variables.items() if name not in own and looks_secret(name, text)]))


def note_withheld(spec: RunSpec, withheld: tuple[str, ...]) -> tuple[str, ...]:
    """Give the note about secrets in plain text: where the first stands, and how a run gets them instead."""
    if not withheld:
        return ()
    name, secret = withheld[0], name_secret(withheld[0])
    _, line = locate(spec, f"environment_variables.{name}")
    place = f"{spec.file}:{line}: " if line and spec.file else ""
    what = "looks like a secret in plain text: its value is" if len(withheld) == 1 else _WHAT
    hint = f"localrun secret set {secret}, then --secret {secret}={name}"
    return (f"{place}{', '.join(withheld)} {what} not kept with the run, nor masked in its logs; better: {hint}",)


_WHAT = "look like secrets in plain text: their values are"

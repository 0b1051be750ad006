"""What a launch takes from the store: values for the ranks' environment, and what must not be printed."""

from __future__ import annotations

from localrun.errors import SecretFailed
from localrun.resolve.variables import check_variable
from localrun.secrets.masks import SHORTEST, list_needles
from localrun.secrets.store import Vault, list_names, missing_secret, read_secrets
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localrun.plan import Plan


@value
class Handover:
    """What ranks get, and what their output must not hold.

    Attributes:
        environ: The caller's environment with each secret in its variable.
        needles: For `masks.Mask`, longest first; empty when there is nothing to mask.
        notes: What the user should know, one line each.
    """

    environ: Mapping[str, str]
    needles: tuple[bytes, ...] = ()
    notes: tuple[str, ...] = ()


def hand_over(plan: Plan, home: str, environ: Mapping[str, str], say: Callable[[str], None]) -> Handover:
    """Read the secrets of a plan.

    This process, and those that it starts, leave no core files from here on: these would hold the values.

    Raises:
        SecretFailed: one is not there, or the store cannot be read.
        BadInput: a value is too long for an environment variable.
    """
    if not plan.secrets:
        return Handover(environ=environ)
    forbid_core_files()
    vault = Vault(home=home, environ=environ, ask=ask_on_terminal, say=say)
    known = read_secrets(vault, [name for _, name in plan.secrets])
    values = {variable: known[name] for variable, name in plan.secrets}
    for variable, text in values.items():
        check_variable(variable, text)
    short = sorted(name for name, text in known.items() if len(text) < SHORTEST)
    notes = tuple(f"the secret {name} is shorter than {SHORTEST} characters: it is not masked" for name in short)
    return Handover(environ={**environ, **values}, needles=list_needles(known.values()), notes=notes)


def check_secrets(plan: Plan, home: str, environ: Mapping[str, str]) -> None:
    """Refuse a plan whose secrets are not there, before its environment is made; values are not read.

    Where nobody can be asked for the passphrase now, the launch will say it.

    Raises:
        SecretFailed: one is not there.
    """
    if not plan.secrets:
        return
    try:
        known = list_names(Vault(home=home, environ=environ))
    except SecretFailed:
        return
    for _, name in plan.secrets:
        if name not in known:
            raise missing_secret(name)


def forbid_core_files() -> None:
    """Let neither this process nor its children leave a core file."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def ask_on_terminal() -> str:
    """Ask for the passphrase, unseen.

    Raises:
        SecretFailed: there is no terminal, or nothing was given.
    """
    from localrun.secrets.store import ask_nobody

    try:
        with open("/dev/tty", "rb"):
            pass
    except OSError:
        return ask_nobody()
    import getpass

    try:
        given = getpass.getpass("passphrase of the secrets: ")
    except (EOFError, OSError):
        return ask_nobody()
    if not given:
        raise SecretFailed("no passphrase was given", hint="try again", code="secrets_locked")
    return given

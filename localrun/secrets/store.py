"""The secrets of a workspace: in the keyring of the machine where it has a real one, else in an encrypted file.

    <home>/secrets/box        the encrypted file (`box`)
    <home>/secrets/key        its key, when it has no passphrase
    <home>/secrets/keyring    which names are in the keyring, which cannot list them: JSON, no values

Where they are is decided with the first secret and stays. `LOCALRUN_SECRETS=file` or `keyring` decides it, so does a
passphrase in `LOCALRUN_SECRETS_PASSPHRASE`: that means the file.
"""

from __future__ import annotations

import json
import os

from localrun.adapters import keyrings
from localrun.errors import BadInput, SecretFailed, StoreFailed
from localrun.formats.secret_references import check_secret_name
from localrun.secrets import box
from localrun.values import value
from localrun.workspace.home import failed, make_folder, tell
from localrun.workspace.locks import exclusive
from localrun.workspace.run_files import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PASSPHRASE = "LOCALRUN_SECRETS_PASSPHRASE"  # noqa: S105 - the name of a variable
KIND = "LOCALRUN_SECRETS"
LOCK_TIMEOUT_S = 60.0


def ask_nobody() -> str:
    """Stand for nobody to ask.

    Raises:
        SecretFailed: always.
    """
    message = "the secrets of this workspace need their passphrase"
    raise SecretFailed(message, hint=f"set {PASSPHRASE}, or use a terminal", code="secrets_locked")


@value
class Vault:
    """The secrets of one workspace.

    Attributes:
        home: The workspace folder.
        environ: The caller's environment variables.
        ask: Gives the passphrase where the environment does not; `ask_nobody` where there is no terminal.
        say: Gets a line for the user when it waits for somebody.
    """

    home: str
    environ: Mapping[str, str]
    ask: Callable[[], str] = ask_nobody
    say: Callable[[str], None] = tell


def read_secrets(vault: Vault, names: Iterable[str]) -> dict[str, str]:
    """Give the values of some secrets, by name.

    Raises:
        SecretFailed: one is not there, or they cannot be read.
        StoreFailed: the system refuses.
    """
    wanted = list(dict.fromkeys(names))
    folder = _folder(vault)
    if box.is_there(folder):
        known, _, _ = box.open_box(folder, lambda: _passphrase(vault))
    else:
        listed = set(_list_keyring(folder))
        found = {name: keyrings.read(_service(vault), name) for name in wanted if name in listed}
        known = {name: text for name, text in found.items() if text is not None}
    for name in wanted:
        if name not in known:
            raise missing_secret(name)
    return {name: known[name] for name in wanted}


def missing_secret(name: str) -> SecretFailed:
    """Give the error that says that there is no secret of a name."""
    hint = f"store it: localrun secret set {name}"
    return SecretFailed(f"there is no secret {name}", hint=hint, code="secret_not_found")


def list_names(vault: Vault) -> list[str]:
    """List the names of all secrets, in alphabetical order.

    Raises:
        SecretFailed: they cannot be read.
    """
    folder = _folder(vault)
    if box.is_there(folder):
        return sorted(box.open_box(folder, lambda: _passphrase(vault))[0])
    return sorted(_list_keyring(folder))


def write_secrets(vault: Vault, secrets: Mapping[str, str]) -> None:
    """Store secrets; one that is there gets the new value. All of them, or none.

    Raises:
        BadInput: a name or a value cannot be one.
        SecretFailed: the store cannot be used.
        StoreFailed: the system refuses.
    """
    for name, text in secrets.items():
        check_secret_name(name)
        if not text or "\0" in text:
            problem = "is empty" if not text else "holds a NUL byte, which no environment variable can"
            raise BadInput(f"the value of the secret {name} {problem}", hint="give another value")
    _change(vault, lambda known: known.update(secrets), lambda: _write_to_keyring(vault, secrets))


def remove_secrets(vault: Vault, names: Iterable[str]) -> None:
    """Remove secrets. All of them, or none.

    Raises:
        SecretFailed: one is not there, or the store cannot be used.
    """
    wanted = list(dict.fromkeys(names))
    missing = sorted(set(wanted) - set(list_names(vault)))
    if missing:
        hint = "localrun secret list shows their names"
        raise SecretFailed(f"there is no secret {', '.join(missing)}", hint=hint, code="secret_not_found")

    def forget(known: dict[str, str]) -> None:
        for name in wanted:
            known.pop(name, None)

    _change(vault, forget, lambda: _delete_from_keyring(vault, wanted))


def describe_place(vault: Vault) -> str:
    """Say where the secrets of a workspace are, or will be."""
    folder = _folder(vault)
    if _uses_keyring(vault, folder):
        return f"the keyring ({keyrings.find_keyring()})"
    return f"the encrypted file {os.path.join(folder, box.BOX)}"


def _change(vault: Vault, change: Callable[[dict[str, str]], None], change_keyring: Callable[[], None]) -> None:
    folder = _folder(vault)
    make_folder(folder)
    lock = os.path.join(folder, "lock")
    with exclusive(lock, timeout_s=LOCK_TIMEOUT_S, who="a change of secrets", report=vault.say):
        if _uses_keyring(vault, folder):
            change_keyring()
            return
        known: dict[str, str] = {}
        if box.is_there(folder):
            known, header, key = box.open_box(folder, lambda: _passphrase(vault))
        else:
            header, key = box.make_header(folder, vault.environ.get(PASSPHRASE, ""))
        change(known)
        box.write_box(folder, known, header, key)


def _uses_keyring(vault: Vault, folder: str) -> bool:
    if box.is_there(folder):
        return False
    kind = vault.environ.get(KIND, "")
    if kind not in {"", "file", "keyring"}:
        raise BadInput(f"{KIND}={kind} names no store of secrets", hint=f"set {KIND} to file or keyring")
    if os.path.lexists(os.path.join(folder, "keyring")) or kind == "keyring":
        return True
    return not kind and not vault.environ.get(PASSPHRASE) and bool(keyrings.find_keyring())


def _write_to_keyring(vault: Vault, secrets: Mapping[str, str]) -> None:
    folder = _folder(vault)
    _write_listed(folder, {*_list_keyring(folder), *secrets})  # before: what is in the keyring is always listed
    for name, text in secrets.items():
        keyrings.write(_service(vault), name, text)


def _delete_from_keyring(vault: Vault, names: Iterable[str]) -> None:
    folder = _folder(vault)
    for name in names:
        keyrings.delete(_service(vault), name)
    _write_listed(folder, {*_list_keyring(folder)} - {*names})


def _list_keyring(folder: str) -> list[str]:
    path = os.path.join(folder, "keyring")
    try:
        with open(path, "rb") as file:
            return [str(name) for name in json.loads(file.read())]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise failed(error, path) from error
    except (ValueError, TypeError) as error:
        raise StoreFailed(f"{path} cannot be read: {error}", hint="remove it", code="store_corrupt") from error


def _write_listed(folder: str, names: set[str]) -> None:
    write_whole(os.path.join(folder, "keyring"), json.dumps(sorted(names)).encode())


def _passphrase(vault: Vault) -> str:
    return vault.environ.get(PASSPHRASE) or vault.ask()


def _folder(vault: Vault) -> str:
    return os.path.join(vault.home, "secrets")


def _service(vault: Vault) -> str:
    return f"localrun {vault.home}"

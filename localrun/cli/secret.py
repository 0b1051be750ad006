"""`localrun secret`: the secrets of this workspace."""

from __future__ import annotations

import os
import sys

import click

from localrun.cli import show
from localrun.cli.arguments import FORMAT
from localrun.errors import BadInput
from localrun.escaping import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.secrets.store import Vault

LONGEST = 131_071
"""Bytes: what fits into an environment variable."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def secret() -> None:
    """Store secrets for runs: `localrun run --secret NAME` puts one into an environment variable.

    Values are kept in the keyring of this machine where it has one, else in an encrypted file of the workspace.
    """


@secret.command("set")
@click.argument("name")
def set_secret(name: str) -> None:
    """Store the secret NAME.

    Its value is read from standard input, or asked for unseen on a terminal. One newline at the end of standard input
    does not belong to the value.
    """
    from localrun.formats.secret_references import check_secret_name
    from localrun.secrets.store import describe_place, write_secrets

    check_secret_name(name)
    vault = _open_vault()
    text = _ask(name) if sys.stdin is not None and sys.stdin.isatty() else _read()
    write_secrets(vault, {name: text})
    show.tell(f"stored {name} in {describe_place(vault)}")


@secret.command("get")
@click.argument("name")
def get_secret(name: str) -> None:
    """Print the value of the secret NAME.

    As it is, on standard output; a terminal gets a newline after it.
    """
    from localrun.secrets.store import read_secrets

    text = read_secrets(_open_vault(), [name])[name]
    show.write_bytes(text.encode(errors="surrogateescape") + b"\n" * sys.stdout.isatty())


@secret.command("list")
@FORMAT
def list_secrets(form: str) -> None:
    """List the names of all secrets.

    Values are not shown. As JSON: a list of objects with `name`.
    """
    from localrun.secrets.store import list_names

    names = list_names(_open_vault())
    if form == "json":
        show.write(show.flat_documents(("name",), [(name,) for name in names]) if names else "[]\n")
    else:
        show.write("".join([f"{escape(name)}\n" for name in names]))


@secret.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def remove(names: tuple[str, ...]) -> None:
    """Remove every secret NAME, or none when one is not there."""
    from localrun.secrets.store import remove_secrets

    remove_secrets(_open_vault(), names)


def _open_vault() -> Vault:
    from localrun.secrets.launch import ask_on_terminal, forbid_core_files
    from localrun.secrets.store import Vault
    from localrun.workspace.home import open_home

    forbid_core_files()
    return Vault(home=open_home(os.environ), environ=os.environ, ask=ask_on_terminal, say=show.tell)


def _ask(name: str) -> str:
    import getpass

    try:
        return getpass.getpass(f"value of {escape(name)}: ")
    except EOFError:
        raise BadInput("no value was given", key=name, hint="type it, or give it on standard input") from None


def _read() -> str:
    if sys.stdin is None:
        return ""
    data = sys.stdin.buffer.read(LONGEST + 2)
    if len(data) > LONGEST:
        raise BadInput(f"the value is longer than {LONGEST:,} bytes", hint="store the path of a file that holds it")
    try:
        return data.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        hint = "store it as base64, and decode it in the script"
        raise BadInput(f"the value is not UTF-8: {error.reason} at byte {error.start}", hint=hint) from None

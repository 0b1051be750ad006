"""Secrets that are about to be built into an image: refused where their values are known.

What a Dockerfile says in ARG and ENV stays in the image's history and configuration, what it copies in a layer, also
when a later step removes it.
"""

from __future__ import annotations

import os

from localrun.adapters.build_context import BuildContext, open_regular
from localrun.errors import BadInput, LocalrunError
from localrun.secrets.masks import SHORTEST
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from localrun.adapters.docker_credentials import Credentials

_PIECE = 1 << 20
_HINT = "take it out; a run gets a secret with --secret NAME, and a private package index is read from the netrc file"


@value
class KnownSecret:
    """A value that may be in no image.

    Attributes:
        name: What it is called in front of the user.
        text: The value, as bytes of UTF-8.
    """

    name: str
    text: bytes


def list_known(home: str, environ: Mapping[str, str], accounts: Mapping[str, Credentials]) -> tuple[KnownSecret, ...]:
    """List the secrets of a workspace, as far as they can be read without asking, and the passwords of registries.

    Args:
        home: The workspace.
        environ: The caller's environment variables.
        accounts: Who we are to each registry.
    """
    found = [(f"the secret {name}", text) for name, text in _read_vault(home, environ).items()]
    for registry, known in accounts.items():
        found += [(f"the password for {registry}", text) for text in (known.password, known.identity_token)]
    wanted = ((name, text.strip()) for name, text in found)
    return tuple(KnownSecret(name=name, text=text.encode()) for name, text in wanted if len(text) >= SHORTEST)


def _read_vault(home: str, environ: Mapping[str, str]) -> dict[str, str]:
    if not os.path.isdir(os.path.join(home, "secrets")):
        return {}
    from localrun.secrets.store import Vault, list_names, read_secrets

    vault = Vault(home=home, environ=environ)
    try:
        return read_secrets(vault, list_names(vault))
    except LocalrunError:
        return {}  # locked: nobody can know its values now, and a build needs none of them


def refuse_secrets(known: Iterable[KnownSecret], dockerfile: str, context: BuildContext | None) -> None:
    """Refuse a Dockerfile or build context that holds a known secret.

    Raises:
        BadInput: it does; the value is not told.
    """
    listed = tuple(known)
    if not listed:
        return
    for number, line in enumerate(dockerfile.split("\n"), 1):
        _refuse(listed, line.encode(errors="surrogateescape"), "Dockerfile", number)
    _refuse(listed, dockerfile.encode(errors="surrogateescape"), "Dockerfile")  # values of several lines
    overlap = max(len(secret.text) for secret in listed) - 1
    for one in context.files if context else ():
        _refuse(
            listed,
            one.path.encode(errors="surrogateescape") + b"\n" + one.goal.encode(errors="surrogateescape"),
            one.path,
        )
        if one.kind != "file" or context is None:
            continue
        rest = b""
        with open_regular(os.path.join(context.folder, one.path)) as file:
            while piece := file.read(_PIECE):
                _refuse(listed, rest + piece, one.path)
                rest = (rest + piece)[-overlap:]


def _refuse(known: tuple[KnownSecret, ...], data: bytes, file: str, line: int = 0) -> None:
    for secret in known:
        if secret.text in data:
            message = f"{secret.name} stands in it, and would be in the image for whoever has that"
            raise BadInput(message, file=file, line=line, hint=_HINT)

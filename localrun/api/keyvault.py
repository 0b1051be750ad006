"""The secrets of the local workspace, with the names of the cloud's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from localrun.api.exceptions import UserErrorException

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from localrun.api.workspace import Workspace
    from localrun.secrets.store import Vault


class Keyvault:
    """The secrets of a local workspace: those that `localrun secret` shows and `localrun run --secret` hands over.

    Other than the original:

    - Values are kept in the keyring of this machine where it has one, else in an encrypted file of the workspace; no
      Azure Key Vault is asked or told. Versions and content types are not kept: a new value replaces the old one.
    - Names may hold dots and underscores as well as letters, digits and dashes; they are told apart by case.
    - A value goes into environment variables, so that it is not empty and holds no NUL byte.

    Attributes:
        workspace: The workspace.
    """

    __slots__ = ("workspace",)

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def _open(self) -> Vault:
        from localrun.secrets.launch import ask_on_terminal
        from localrun.secrets.store import Vault

        return Vault(home=self.workspace.home, environ=os.environ, ask=ask_on_terminal)

    def set_secret(self, name: str, value: str, content_type: object = None) -> None:
        """Store a secret; one of that name gets the new value.

        Args:
            name: Its name.
            value: Its value.
            content_type: Not kept.

        Raises:
            UserErrorException: the value is no text.
            BadInput: name or value cannot be one.
        """
        del content_type
        self.set_secrets({name: value})

    def set_secrets(self, secrets_batch: Mapping[str, str]) -> None:
        """Store secrets by name: all of them, or none.

        Raises:
            UserErrorException: a value is no text.
            BadInput: a name or a value cannot be one.
        """
        from localrun.secrets.store import write_secrets

        given: dict[str, object] = dict(secrets_batch)
        for name, text in given.items():
            if not isinstance(text, str):
                message = f"the value of the secret {name} is no text but {type(text).__name__}"
                raise UserErrorException(message, hint="is the variable that it comes from set?")
        write_secrets(self._open(), secrets_batch)

    def get_secret(self, name: str) -> str:
        """Give the value of a secret.

        Raises:
            UserErrorException: there is none of that name.
        """
        value = self.get_secrets([name])[name]
        if value is None:
            hint = f"store it: localrun secret set {name}"
            raise UserErrorException(f"Secret {name} was not found in the workspace", hint=hint)
        return value

    def get_secrets(self, secrets: Iterable[str]) -> dict[str, str | None]:
        """Give the values of secrets by name; None for one that is not there."""
        from localrun.secrets.store import list_names, read_secrets

        wanted = list(secrets)
        vault = self._open()
        there = set(list_names(vault))
        known = read_secrets(vault, [name for name in wanted if name in there])
        return {name: known.get(name) for name in wanted}

    def get_secret_content_type(self, name: str) -> str:
        """Give the content type of a secret, which is not kept: always empty.

        Raises:
            UserErrorException: there is none of that name.
        """
        self.get_secret(name)
        return ""

    def delete_secret(self, name: str) -> None:
        """Remove a secret.

        Raises:
            SecretFailed: there is none of that name.
        """
        self.delete_secrets([name])

    def delete_secrets(self, secrets: Iterable[str]) -> None:
        """Remove secrets: all of them, or none.

        Raises:
            SecretFailed: one is not there.
        """
        from localrun.secrets.store import remove_secrets

        remove_secrets(self._open(), secrets)

    def list_secrets(self) -> list[dict[str, str]]:
        """List the names of all secrets as `{"name": …}`, in alphabetical order; values are not shown."""
        from localrun.secrets.store import list_names

        return [{"name": name} for name in list_names(self._open())]

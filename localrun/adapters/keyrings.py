"""The keyring of the user's desktop or system, by `keyring`; back ends that store plain text do not count."""

from __future__ import annotations

from localrun.errors import SecretFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

RECOMMENDED = 1
"""The priority from which on keyring recommends a back end: plain text and failing ones are below."""


def find_keyring() -> str:
    """Give the name of the real back end of this machine; empty when there is none."""
    found = _find()
    return "" if found is None else str(type(found).__module__)


def read(service: str, name: str) -> str | None:
    """Give a value; None when there is none.

    Raises:
        SecretFailed: the keyring is locked, gone, or refuses.
    """
    found: str | None = _ask(lambda back_end: back_end.get_password(service, name))
    return found


def write(service: str, name: str, value: str) -> None:
    """Store a value.

    Raises:
        SecretFailed: the keyring is locked, gone, or refuses.
    """
    _ask(lambda back_end: back_end.set_password(service, name, value))


def delete(service: str, name: str) -> None:
    """Delete a value; one that is gone is passed over.

    Raises:
        SecretFailed: the keyring is locked, gone, or refuses.
    """
    if read(service, name) is not None:
        _ask(lambda back_end: back_end.delete_password(service, name))


def _find() -> Any:
    import keyring
    from keyring.errors import KeyringError

    try:
        chosen: Any = keyring.get_keyring()
        candidates = getattr(chosen, "backends", None) or [chosen]
        return next((item for item in candidates if item.priority >= RECOMMENDED), None)
    except (KeyringError, RuntimeError, OSError):
        return None


def _ask(what: Callable[[Any], T]) -> T:
    from keyring.errors import KeyringError

    back_end = _find()
    if back_end is None:
        hint = "unlock or start the keyring of your desktop and try again"
        message = "the secrets of this workspace are in the keyring, which is not there"
        raise SecretFailed(message, hint=hint, code="secrets_locked")
    try:
        return what(back_end)
    except (KeyringError, RuntimeError, OSError) as error:
        message = f"the keyring does not answer as it should: {type(error).__name__}"  # its text may hold a value
        raise SecretFailed(message, hint="unlock it and try again", code="secrets_locked") from None

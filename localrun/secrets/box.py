r"""The encrypted file: `<home>/secrets/box`, all secrets of a workspace in one.

    localrun-secrets 1 key\n               the key is in `<home>/secrets/key`, mode 0600
    localrun-secrets 1 scrypt <salt>\n     the key is derived from a passphrase
    <nonce and AES-256-GCM of a JSON object {name: value}>

The key beside the box protects from what reads single files (a search, a sync, a backup of some), not from a program
that runs as the same user. A passphrase does.
"""

from __future__ import annotations

import json
import os
import stat

from localrun.adapters import encryption
from localrun.errors import SecretFailed
from localrun.workspace.home import failed
from localrun.workspace.run_files import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

BOX, KEY = "box", "key"
_MAGIC = "localrun-secrets 1"
SALT_BYTES = 16


def is_there(folder: str) -> bool:
    """Tell whether a workspace has an encrypted file."""
    return os.path.lexists(os.path.join(folder, BOX))


def open_box(folder: str, ask: Callable[[], str]) -> tuple[dict[str, str], bytes, bytes]:
    """Give the secrets of a box with its header and its key.

    Args:
        folder: Where it is.
        ask: Gives the passphrase; called when the box needs one.

    Raises:
        SecretFailed: the key is gone or another one, the passphrase is wrong, or the file is damaged.
        StoreFailed: the system refuses.
    """
    path = os.path.join(folder, BOX)
    header, newline, sealed = _read(path).partition(b"\n")
    words = header.decode("ascii", "replace").split(" ")
    if not newline or " ".join(words[:2]) != _MAGIC or len(words) < 3:  # noqa: PLR2004 - magic, version, kind
        raise _damaged(path, "it does not begin as one")
    key = _derive(words, ask, path) if words[2] == "scrypt" else _read_key(os.path.join(folder, KEY))
    try:
        found = json.loads(encryption.unseal(key, sealed, header))
    except SecretFailed as error:
        if words[2] != "scrypt":
            raise _damaged(path, "its key does not fit") from error
        hint = "give the passphrase that the first secret was stored with"
        raise SecretFailed("the passphrase is wrong", hint=hint, code="secrets_locked") from None
    return dict(found), header, key


def write_box(folder: str, secrets: dict[str, str], header: bytes, key: bytes) -> None:
    """Replace the box by one with these secrets, atomically.

    Raises:
        StoreFailed: the system refuses; the old one is as it was.
    """
    data = json.dumps(secrets).encode()
    write_whole(os.path.join(folder, BOX), header + b"\n" + encryption.seal(key, data, header))


def make_header(folder: str, passphrase: str) -> tuple[bytes, bytes]:
    """Give header and key of a new box: derived from a passphrase, or a random one in a file when that is empty.

    Raises:
        StoreFailed: the system refuses.
    """
    if passphrase:
        salt = os.urandom(SALT_BYTES)
        return f"{_MAGIC} scrypt {salt.hex()}".encode(), encryption.derive_key(passphrase, salt)
    path = os.path.join(folder, KEY)
    if not os.path.lexists(path):
        write_whole(path, encryption.make_key())
    return f"{_MAGIC} key".encode(), _read_key(path)


def _derive(words: list[str], ask: Callable[[], str], path: str) -> bytes:
    try:
        salt = bytes.fromhex(words[3])
    except (IndexError, ValueError):
        raise _damaged(path, "its salt cannot be read") from None
    return encryption.derive_key(ask(), salt)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise failed(error, path) from error


def _read_key(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            key = file.read()
    except FileNotFoundError:
        hint = "put it back from a backup, or remove the folder and store the secrets again"
        raise SecretFailed(f"the key {path} is gone", hint=hint, code="secrets_corrupt") from None
    except OSError as error:
        raise failed(error, path) from error
    if stat.S_IMODE(mode) & 0o077:
        message = f"the key {path} can be read by others (mode {stat.S_IMODE(mode):04o})"
        raise SecretFailed(message, hint=f"run: chmod 600 {path}", code="secrets_locked")
    if len(key) != encryption.KEY_BYTES:
        raise _damaged(path, f"it has {len(key)} bytes")
    return key


def _damaged(path: str, why: str) -> SecretFailed:
    hint = f"put it back from a backup, or remove {os.path.dirname(path)} and store the secrets again"
    return SecretFailed(f"{path} cannot be used: {why}", hint=hint, code="secrets_corrupt")

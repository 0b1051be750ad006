"""Authenticated encryption of small files, by `cryptography` (AES-256-GCM, scrypt).

Sources: NIST SP 800-38D (a nonce of 12 random bytes for each sealing), RFC 7914 (scrypt).
"""

from __future__ import annotations

import os

from localrun.errors import SecretFailed

KEY_BYTES = 32
NONCE_BYTES = 12
SCRYPT_COST = 2**15
"""With blocks of 8: 32 MiB and a tenth of a second for each attempt at a passphrase."""


def make_key() -> bytes:
    """Make a random key."""
    return os.urandom(KEY_BYTES)


def derive_key(passphrase: str, salt: bytes) -> bytes:
    """Derive a key from a passphrase."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=KEY_BYTES, n=SCRYPT_COST, r=8, p=1).derive(passphrase.encode())


def seal(key: bytes, data: bytes, header: bytes) -> bytes:
    """Encrypt data; the header is not encrypted, but it cannot be changed without `unseal` seeing it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, header)


def unseal(key: bytes, sealed: bytes, header: bytes) -> bytes:
    """Decrypt what `seal` gave.

    Raises:
        SecretFailed: the key is another one, or something has been changed.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], header)
    except (InvalidTag, ValueError) as error:
        raise SecretFailed("the secrets cannot be decrypted: it is another key, or the file is damaged") from error

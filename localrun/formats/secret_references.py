"""How a secret is named, and how a run configuration refers to one without holding it.

An environment variable whose value is a Key Vault reference is read from the local workspace when the run starts:

    @Microsoft.KeyVault(SecretUri=https://<vault>.vault.azure.net/secrets/<name>[/<version>])
    @Microsoft.KeyVault(VaultName=<vault>;SecretName=<name>[;SecretVersion=<version>])

Source of the form: Azure's documentation of Key Vault references (App Service, "Use Key Vault references").
"""

from __future__ import annotations

import re

from localrun.errors import BadInput

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}")
"""What may name a secret. Azure's vaults take letters, digits and dashes, 127 at most; dot and underscore are ours."""
NAME_HINT = "use letters, digits, dash, dot and underscore, 127 at most, a letter or digit first"
FORM_HINT = "write @Microsoft.KeyVault(SecretUri=https://VAULT.vault.azure.net/secrets/NAME)"
_OPENING = "@Microsoft.KeyVault("


def check_secret_name(name: str, *, key: str = "") -> str:
    """Give the name of a secret back.

    Raises:
        BadInput: it cannot be one.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot name a secret", key=key, hint=NAME_HINT)
    return name


def is_reference(text: str) -> bool:
    """Tell whether the value of a variable refers to a secret."""
    return text.strip().casefold().startswith(_OPENING.casefold())


def read_reference(text: str, *, file: str = "", line: int = 0, key: str = "") -> str:
    """Give the name of the secret that a reference means; its vault and its version have no part in it.

    Raises:
        BadInput: it is not of the documented form.
    """
    inner = text.strip()[len(_OPENING) :]
    fields = {
        name.strip().casefold(): given.strip()
        for name, _, given in (part.partition("=") for part in inner.removesuffix(")").split(";"))
    }
    name = fields.get("secretname", "")
    if "secreturi" in fields:
        found = re.fullmatch(r"https://[^/]+/secrets/([^/?#]+)(/[^/?#]*)?/?", fields["secreturi"])
        name = found[1] if found else ""
    if not inner.endswith(")") or not NAME.fullmatch(name):
        raise BadInput(f"{text!r} is no reference to a secret", file=file, line=line, key=key, hint=FORM_HINT)
    return name


def name_variable(name: str) -> str:
    """Give the variable that a secret goes into when none is named: its own name, with `_` for what no shell takes."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)

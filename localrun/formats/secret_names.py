"""Variables that hold a secret in plain text, as far as their names and values tell."""

from __future__ import annotations

import re

from localrun.formats.secret_references import is_reference

NAME = re.compile(
    r"(?:^|.*_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|CONNECTION_?STRING|CONN_?STR|SAS|PAT"
    r"|(?:API|ACCESS|ACCOUNT|PRIVATE|SECRET|STORAGE|SHARED|AUTH|SUBSCRIPTION|ENCRYPTION|SIGNING|MASTER)_?KEY)\d*",
    re.IGNORECASE,
)
"""Names whose last word says what they hold: not `MAX_TOKENS`, `TOKENIZERS_PARALLELISM` or `PASSWORD_FILE`."""
KEY = re.compile(r"(?:^|.*_)KEY", re.IGNORECASE)
"""Names that say it where the value is long and mixed: not `SORT_KEY=customer`."""
MIXED = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/=_.~-]{16,}")
VALUE = re.compile(
    r"://[^/\s:@*]+:[^/\s@*]+@|\b(?:AccountKey|SharedAccessKey|SharedAccessSignature|Password|Pwd)\s*=\s*[^;\s*]{6,}",
    re.IGNORECASE,
)
"""An address with a password, and a connection string with one."""
SHORTEST = 6
"""A shorter value is a switch or a number more often than a secret."""


def looks_secret(name: str, text: str) -> bool:
    """Tell whether a variable holds a secret in plain text; a path, a reference and an expression are none."""
    if len(text) < SHORTEST or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        return False
    if text.startswith(("/", "./", "~", "${")) or is_reference(text):
        return False
    return bool(NAME.fullmatch(name) or VALUE.search(text) or (KEY.fullmatch(name) and MIXED.fullmatch(text)))


def name_secret(variable: str) -> str:
    """Give a name for the secret of a variable."""
    return variable.lower().replace("_", "-").strip("-") or "secret"


def refer_to_secret(variable: str) -> str:
    """Give what stands in a file in place of a secret: a reference, which a run reads from the workspace."""
    return f"@Microsoft.KeyVault(VaultName=workspace;SecretName={name_secret(variable)})"


def hide_variables(variables: object) -> tuple[str, ...]:
    """Put a reference in place of each variable's value that is a secret in plain text; give a line for each.

    The reference is of the form of `formats.secret_references`: a run reads the secret of that name.
    """
    if not isinstance(variables, dict):
        return ()
    lines = []
    for name, text in variables.items():
        if isinstance(text, str) and looks_secret(name, text):
            variables[name] = refer_to_secret(name)
            lines.append(f"the value of {name} is not written; store it: localrun secret set {name_secret(name)}")
    return tuple(lines)

"""Who we are to a registry: as the caller says, else as docker's own settings and credential helpers have it.

Values of credentials live from here to the header of one request; they are never written anywhere.
"""

from __future__ import annotations

import os

from localrun.adapters.docker_names import HUB
from localrun.adapters.engine_endpoints import read_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Credentials:
    """An account of a registry. Its text form shows neither password nor token.

    Attributes:
        username: Empty beside a token.
        password: Empty beside a token.
        identity_token: Used in place of both; empty for none.
        trouble: Why docker's own settings could not be asked; empty when they could.
    """

    __slots__ = ("identity_token", "password", "trouble", "username")

    def __init__(self, *, username: str = "", password: str = "", identity_token: str = "", trouble: str = "") -> None:
        self.username = username
        self.password = password
        self.identity_token = identity_token
        self.trouble = trouble

    def __repr__(self) -> str:
        return f"Credentials({self.account or 'nobody'})"

    @property
    def account(self) -> str:
        """Who it is, for messages; empty for nobody."""
        return self.username or ("the holder of the token" if self.identity_token else "")


NOBODY = Credentials()


def find_credentials(registry: str, environ: Mapping[str, str], home_folder: str) -> Credentials:
    """Find what docker's own settings know for a registry: `credHelpers`, `credsStore`, `auths`.

    Args:
        registry: Host and port, `docker.io` for Docker Hub.
        environ: The caller's environment variables (DOCKER_CONFIG, and PATH for the helpers).
        home_folder: The user's home folder.

    Returns:
        Those of nobody when nothing is known; with `trouble` when a helper could not be asked: what needs no account
        can be fetched all the same.

    Raises:
        BadInput: docker's settings cannot be read.
    """
    settings = read_settings(environ.get("DOCKER_CONFIG") or os.path.join(home_folder, ".docker"))
    known = {name: settings[name] for name in ("auths", "credsStore", "credHelpers") if settings.get(name)}
    if not known:
        return NOBODY
    import warnings

    import docker.auth
    import docker.errors

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a helper that is not there is told by the error too
            known_to_docker = docker.auth.load_config(config_dict=known, credstore_env=dict(environ))
            found = known_to_docker.resolve_authconfig(None if registry == HUB else registry)
    except (docker.errors.DockerException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Credentials(trouble=f"docker's settings could not be asked for credentials: {_name_trouble(error)}")
    entry = {name.lower(): str(text) for name, text in (found or {}).items() if text}
    return Credentials(
        username=entry.get("username", ""),
        password=entry.get("password", ""),
        identity_token=entry.get("identitytoken", ""),
    )


def _name_trouble(error: Exception) -> str:
    """Give what went wrong without what was read: an error of decoding quotes the secret that it could not decode."""
    import docker.errors

    return str(error) if isinstance(error, docker.errors.DockerException) else "an entry cannot be read"


def make_header(credentials: Credentials, registry: str) -> str:
    """Give the value of `X-Registry-Auth` (Engine API reference, "Authentication")."""
    import base64
    import json

    address = "https://index.docker.io/v1/" if registry == HUB else registry
    entry: dict[str, str] = {}
    if credentials.identity_token:
        entry = {"identitytoken": credentials.identity_token, "serveraddress": address}
    elif credentials.username:
        account = {"username": credentials.username, "password": credentials.password}
        entry = {**account, "serveraddress": address}
    return base64.urlsafe_b64encode(json.dumps(entry).encode()).decode()

"""How programs of this machine reach the network: proxies, certificates, and the package settings of pip and uv.

Builds of images and runs in containers that are to see the same are given it from here.
"""

from __future__ import annotations

import os

from localrun.adapters.pip_settings import pip_as_uv, read_pip_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy")
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
_REACHING = ("TIMEOUT", "DEFAULT_TIMEOUT", "RETRIES", "PROXY")
"""pip's settings of the connection itself; of its others, those that say where packages are to be had."""
_OWN = (
    "UV_CACHE_DIR",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_TARGET",
    "UV_PREFIX",
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
    "UV_BUILD_CONSTRAINT",
    "UV_CONFIG_FILE",
    "UV_ENV_FILE",
    "UV_PROJECT",
    "UV_WORKING_DIRECTORY",
    "UV_PYTHON_INSTALL_DIR",
    "UV_TOOL_DIR",
    "UV_TOOL_BIN_DIR",
    "UV_CREDENTIALS_DIR",
)
"""Variables of uv that name places of this machine, or are set by us."""


def gather_variables(environ: Mapping[str, str], pip_settings: Mapping[str, str]) -> dict[str, str]:
    """Give the variables of this machine that a build may see: proxies, and the settings of uv and pip.

    Args:
        environ: The caller's environment variables.
        pip_settings: What pip's own settings are in uv's words.
    """
    found = {name: text for name, text in environ.items() if name.lower() in PROXIES}
    found |= {name: text for name, text in environ.items() if name.startswith("UV_") and name not in _OWN}
    return {**pip_settings, **found}


def find_bundle(environ: Mapping[str, str], pip_settings: Mapping[str, str]) -> str:
    """Give the file of certificates that this machine's programs are told to trust; empty for none."""
    named = [environ.get(name, "") for name in BUNDLES] + [pip_settings.get("SSL_CERT_FILE", "")]
    return next((path for path in named if path and os.path.isfile(path)), "")


def gather_for_run(environ: Mapping[str, str], bundle: str) -> dict[str, str]:
    """Give the variables with which programs in a container reach the network as those of this machine do.

    Args:
        environ: The caller's environment variables.
        bundle: Where the file of `find_bundle` is in the container; empty for none.

    Returns:
        Proxies, settings of uv, those of pip that say where packages are, and the names of the bundle.
    """
    found = gather_variables(environ, pip_as_uv(environ))
    for name, text in read_pip_settings(environ).items():
        if name != "cert":
            found[f"PIP_{name.upper().replace('-', '_')}"] = text
    for name in (f"PIP_{name}" for name in _REACHING):
        if name in environ:
            found[name] = environ[name]
    for name in (*BUNDLES, "PIP_CONSTRAINT", "UV_CONSTRAINT"):  # they name files of this machine
        found.pop(name, None)
    return found | (dict.fromkeys(BUNDLES, bundle) if bundle else {})


def list_package_folders(variables: Mapping[str, str]) -> tuple[str, ...]:
    """List the folders of this machine, absolute, that variables name as places of packages."""
    words = variables.get("PIP_FIND_LINKS", "").split() + variables.get("UV_FIND_LINKS", "").split(",")
    named = [word.removeprefix("file://") for word in words]
    return tuple(dict.fromkeys(path for path in named if os.path.isabs(path) and os.path.isdir(path)))

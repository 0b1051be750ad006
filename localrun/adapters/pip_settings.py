"""pip's own settings, in uv's words: people who come from pip expect them to hold.

The files and their order are those of pip's documentation ("Configuration"): global, user, PIP_CONFIG_FILE, each with
the sections `global` and `install`; then PIP_* variables.
"""

from __future__ import annotations

import configparser
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_AS_UV = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find-links": ("UV_FIND_LINKS",),
    "no-index": ("UV_NO_INDEX",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "constraint": ("UV_CONSTRAINT",),
    "cert": ("SSL_CERT_FILE",),
}
_COMMA_SEPARATED = {"find-links"}
_TRUE = {"1", "true", "yes", "on"}


def pip_as_uv(environ: Mapping[str, str]) -> dict[str, str]:
    """Give uv's variables for what pip's files and variables say; nothing for what uv was told itself.

    Args:
        environ: The caller's environment variables.
    """
    settings = read_pip_settings(environ)
    variables = {}
    for name, text in settings.items():
        own, *others = _AS_UV[name]
        words = text.split()
        if not words or own in environ or any(other in environ for other in others):
            continue
        if name == "no-index":
            words = ["1"] if words[0].lower() in _TRUE else ["0"]
        variables[own] = ",".join(words) if name in _COMMA_SEPARATED else " ".join(words)
    return variables


def read_pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Give pip's settings of where packages come from, by the names of pip's options.

    Args:
        environ: The caller's environment variables; those of pip win over its files.
    """
    settings = _read_files(environ)
    for name in _AS_UV:
        text = environ.get("PIP_" + name.upper().replace("-", "_"))
        if text is not None:
            settings[name] = text
    if "cert" not in settings and (bundle := environ.get("REQUESTS_CA_BUNDLE")):
        settings["cert"] = bundle
    return settings


def _read_files(environ: Mapping[str, str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for path in _places(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself says what is wrong with it; it must not stop a build
        for section in ("global", "install"):
            if parser.has_section(section):
                found = {name.replace("_", "-"): text for name, text in parser.items(section)}
                settings |= {name: text for name, text in found.items() if name in _AS_UV}
    return settings


def _places(environ: Mapping[str, str]) -> tuple[str, ...]:
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return ()
    home = environ.get("HOME", "")
    personal = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    shared = (*(os.path.join(folder, "pip", "pip.conf") for folder in _shared(environ)), "/etc/pip.conf")
    own = (os.path.join(home, ".pip", "pip.conf"), os.path.join(personal, "pip", "pip.conf")) if home else ()
    return (*shared, *own, *((named,) if named else ()))


def _shared(environ: Mapping[str, str]) -> list[str]:
    return [folder for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if folder]

"""conda's own settings, as far as they say where packages come from, and which channels they mean.

Files and precedence follow conda's documentation ("Using the .condarc conda configuration file", "Managing channels"):
later files win, lists are joined with the later ones first, mappings are merged. mamba's `mirrored_channels` is known.
"""

from __future__ import annotations

import base64
import os
import re
from urllib.parse import unquote, urlsplit, urlunsplit

from localrun.errors import BadInput
from localrun.formats.gate import load_yaml
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

ALIAS = "https://conda.anaconda.org"
DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
"""What `defaults` stands for, after conda's documentation."""
FALLBACK = ("conda-forge",)
"""The channels when neither the environment nor any setting names one."""

_LISTS = ("channels", "default_channels", "envs_dirs")
_MAPPINGS = ("custom_channels", "custom_multichannels", "mirrored_channels", "proxy_servers")
_SCALARS = ("channel_alias", "ssl_verify", "offline", "channel_priority", "add_pip_as_python_dependency")
_TRUE = {"1", "true", "yes", "on"}


@value
class Channel:
    """Where packages come from.

    Attributes:
        name: As it is to be shown: without credentials.
        url: Without credentials.
        authorization: The Authorization header for it; empty when its URL held no user name.
        token_url: Its URL with the `/t/<token>` part that was in it; empty when there was none.
    """

    name: str
    url: str
    authorization: str = ""
    token_url: str = ""


def read_condarc(environ: Mapping[str, str], home: str) -> dict[str, object]:
    """Read the user's conda settings.

    Args:
        environ: The caller's environment variables.
        home: The user's home folder.

    Returns:
        The settings by name; those that nobody set are missing.

    Raises:
        BadInput: a file is there but is not YAML of the expected form.
    """
    settings: dict[str, object] = {}
    for path in _places(environ, home):
        try:
            with open(path, "rb") as file:
                data = file.read(1 << 20)
        except OSError:
            continue
        if data.strip():
            _merge(settings, _read(data, path, environ))
    for name in _SCALARS:
        text = environ.get(f"CONDA_{name.upper()}")
        if text:
            settings[name] = text
    if text := environ.get("CONDA_CHANNELS"):
        settings["channels"] = [part.strip() for part in text.split(",") if part.strip()]
    for name in ("offline", "ssl_verify", "add_pip_as_python_dependency"):
        if str(settings.get(name)).lower() in _TRUE | {"false", "no", "off", "0"}:
            settings[name] = str(settings[name]).lower() in _TRUE
    return settings


def _places(environ: Mapping[str, str], home: str) -> list[str]:
    personal = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    folders = ["/etc/conda", "/var/lib/conda"]
    if root := environ.get("CONDA_ROOT"):
        folders.append(root)
    folders += [os.path.join(personal, "conda"), os.path.join(home, ".conda")]
    places = [path for folder in folders for path in _in_folder(folder)]
    places += [os.path.join(home, ".mambarc"), os.path.join(home, ".condarc")]
    if prefix := environ.get("CONDA_PREFIX"):
        places += _in_folder(prefix)
    return places + [environ[name] for name in ("MAMBARC", "CONDARC") if environ.get(name)]


def _in_folder(folder: str) -> list[str]:
    parts = os.path.join(folder, "condarc.d")
    try:
        names = sorted(name for name in os.listdir(parts) if name.endswith((".yml", ".yaml")))
    except OSError:
        names = []
    return [os.path.join(folder, name) for name in (".condarc", "condarc")] + [
        os.path.join(parts, name) for name in names
    ]


def _read(data: bytes, path: str, environ: Mapping[str, str]) -> dict[str, object]:
    found = load_yaml(data, file=path).data
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadInput("expected settings by name", file=path, hint="see conda's documentation of .condarc")
    settings = {}
    for names, kind in ((_LISTS, list), (_MAPPINGS, dict)):
        for name in names:
            item = found.get(name)
            if item is None:
                continue
            if not isinstance(item, kind):
                raise BadInput(f"expected a {'list' if kind is list else 'mapping'}", file=path, key=name)
            settings[name] = _expand(item, environ)
    settings |= {name: _expand(found[name], environ) for name in _SCALARS if found.get(name) is not None}
    return settings


def _expand(item: object, environ: Mapping[str, str]) -> object:
    if isinstance(item, str):
        return re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda found: environ.get(found[1] or found[2], found[0]), item)
    if isinstance(item, list):
        return [_expand(part, environ) for part in item]
    if isinstance(item, dict):
        return {name: _expand(part, environ) for name, part in item.items()}
    return item


def _merge(settings: dict[str, object], later: dict[str, object]) -> None:
    for name, item in later.items():
        if name in _LISTS:
            settings[name] = list(dict.fromkeys([*list_setting(later, name), *list_setting(settings, name)]))
        elif name in _MAPPINGS:
            settings[name] = _map_setting(settings, name) | _map_setting(later, name)
        else:
            settings[name] = item


def list_setting(settings: Mapping[str, object], name: str) -> list[str]:
    """Give the items of a setting that is a list; nothing for one that nobody set."""
    item = settings.get(name)
    return [str(part) for part in item] if isinstance(item, list) else []


def _map_setting(settings: Mapping[str, object], name: str) -> dict[str, object]:
    item = settings.get(name)
    return item if isinstance(item, dict) else {}


def find_channels(names: tuple[str, ...], settings: Mapping[str, object], directory: str) -> list[Channel]:
    """Give the channels that names or URLs stand for, highest priority first, each once.

    Args:
        names: As written in the environment; empty: those of the settings, else conda-forge.
        settings: What `read_condarc` gave.
        directory: Where relative paths start from.
    """
    found: dict[str, Channel] = {}
    for name in names or list_setting(settings, "channels") or FALLBACK:
        for url in _urls(name, settings, directory):
            channel = _split(name, url)
            found.setdefault(channel.url, channel)
    return list(found.values())


def _urls(name: str, settings: Mapping[str, object], directory: str) -> list[str]:
    if "://" in name:
        return [name]
    if name.startswith(("/", "./", "../", "~")):
        return ["file://" + os.path.abspath(os.path.join(directory or "/", os.path.expanduser(name)))]
    groups: dict[str, object] = {"defaults": list_setting(settings, "default_channels") or list(DEFAULTS)}
    groups |= _map_setting(settings, "custom_multichannels")
    if name in groups:
        parts = list_setting(groups, name)
        return [url for part in parts if part != name for url in _urls(part, settings, directory)]
    if mirrors := list_setting(_map_setting(settings, "mirrored_channels"), name):
        return mirrors[:1]
    custom = _map_setting(settings, "custom_channels")
    matching = [key for key in custom if name == key or name.startswith(f"{key}/")]
    base = custom[max(matching, key=len)] if matching else settings.get("channel_alias") or ALIAS
    base = str(base).rstrip("/")
    if "://" not in base:
        base = "file://" + base if base.startswith("/") else "https://" + base
    return [f"{base}/{name}"]


def _split(name: str, url: str) -> Channel:
    parts = urlsplit(url.rstrip("/"))
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    clean = urlunsplit(bare._replace(path=re.sub(r"/t/[^/]+(?=/|$)", "", bare.path)))
    token_url = urlunsplit(bare) if urlunsplit(bare) != clean else ""
    return Channel(name=clean if "://" in name else name, url=clean, authorization=authorization, token_url=token_url)


def find_spec_channel(spec: str, settings: Mapping[str, object], directory: str) -> str:
    """Put the URL into a spec that names its channel (`conda-forge::numpy`); other specs stay as they are."""
    channel, colons, rest = spec.partition("::")
    if not colons or "://" in channel or not channel.strip():
        return spec
    return f"{find_channels((channel.strip(),), settings, directory)[0].url}::{rest.strip()}"

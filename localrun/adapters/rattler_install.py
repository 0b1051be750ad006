"""Solving and linking of a conda environment by py-rattler; runs in the installer child only."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import rattler
from rattler.networking import (
    AddHeadersMiddleware,
    AuthenticationMiddleware,
    GCSMiddleware,
    MirrorMiddleware,
    OciMiddleware,
    RetryMiddleware,
    S3Middleware,
)
from rattler.networking.client import Client
from rattler.repo_data.gateway import Gateway, SourceConfig

from localrun.adapters.answers import Refused, Tell, write_answer
from localrun.adapters.locked_packages import assume_system, find_collected, record_of_lock, restore_metadata
from localrun.adapters.rattler_cache import open_cache
from localrun.adapters.rattler_checks import check_hashes
from localrun.adapters.rattler_errors import missing_package, not_collected, translate
from localrun.adapters.rattler_progress import LinkReporter
from localrun.fingerprint import layer_fingerprint
from localrun.formats.lock_names import is_locked

RETRIES = 3
"""How often a request is repeated, with growing pauses, when the server answers 5xx or 429 or does not answer."""


def install_environment(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Solve the specs of a request and link the result into its prefix.

    Args:
        request: `prefix`, `home`, `platform`, `channels` (name, url, authorization, token_url), `specs`, `offline`,
            `hard_links`, `solved` (a file that gets the records as soon as they are known), `settings` of condarc,
            `locked` (name, version, build of each package of an earlier solve, or nothing), `layer` (for an image:
            `base`, `prefix` in it, and the `known` layers that need no linking; else None), `as_of` (an instant in UTC,
            or empty), `solve_only` (nothing is linked), `vendored` (a folder with the packages of a lock, or empty).
        tell: Takes stage, text, done, total, unit.

    Returns:
        `records`, one object a package; for an image, `layer`, its key, and `linked`, whether it was linked.

    Raises:
        Refused: with the code `solve`, `channel`, `offline`, `build_failed`, `store_full` or `store_read_only`.
    """
    return asyncio.run(_install(request, tell))


async def _install(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    try:
        config = _config(request)
        client = make_client(request, config)
        records = await _solve(request, client, tell)
        described = [_describe(record) for record in records]
        request["records"] = described  # for what errors say
        if request["solve_only"]:
            return {"records": described, "layer": "", "linked": False}
        channels = [channel["url"] for channel in request["channels"]]
        write_answer(request["solved"], {"channels": channels, "records": described})
        layer = _find_layer(request, described)
        if layer and layer in request["layer"]["known"]:
            return {"records": described, "layer": layer, "linked": False}
        if request["vendored"]:
            records = [find_collected(spec, request["vendored"]) for spec in request["specs"]]
        cache, note_validated = open_cache(request["home"], records)
        await _check(request, records, cache)
        await _link(request, records, cache, client, config, tell)
        note_validated()
        if is_locked(request["specs"]):
            restore_metadata(request["prefix"], request["specs"])
    except Refused:
        raise
    except Exception as error:  # py-rattler's forty exceptions have no other class in common
        raise translate(error, request) from error
    return {"records": described, "layer": layer, "linked": True}


def _find_layer(request: dict[str, Any], described: list[dict[str, Any]]) -> str:
    layer = request["layer"]
    packages = [f"{record['url']} {record['sha256'] or record['md5']}" for record in described]
    return layer_fingerprint(base=layer["base"], prefix=layer["prefix"], packages=packages) if layer else ""


def _config(request: dict[str, Any]) -> rattler.Config:
    settings = request["settings"]
    hard_links = bool(request.get("hard_links"))
    lines = [
        f"allow-hard-links = {str(hard_links).lower()}",
        # It would be tried first for every file, and where it fails it costs a file made and removed.
        f"allow-ref-links = {str(not hard_links).lower()}",
        "allow-symbolic-links = false",
    ]
    if settings.get("ssl_verify") is False:
        lines.append("tls-no-verify = true")
    # Certificates come from where the rest of the machine has them: SSL_CERT_FILE, else the system's store.
    lines.append('tls-root-certs = "system"')
    if proxies := settings.get("proxy_servers"):
        quoted = [f"{scheme} = {_toml(url)}" for scheme, url in proxies.items() if scheme in {"http", "https"}]
        lines += ["[proxy-config]", *quoted]
    return rattler.Config.from_toml("\n".join(lines) + "\n")


def _toml(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def make_client(request: dict[str, Any], config: rattler.Config | None = None) -> Client:
    """Give what fetches for a request: `channels` and `settings` of condarc say with which credentials and how."""
    private = [channel for channel in request["channels"] if channel["authorization"] or channel["token_url"]]
    if not private:
        return Client.from_config(config or _config(request), RETRIES, timeout=None)
    tokens = {one["url"]: [one["token_url"]] for one in private if one["token_url"]}
    headers = [(urlsplit(one["url"]), one["authorization"]) for one in private if one["authorization"]]

    def authorize(host: str, path: str) -> dict[str, str] | None:
        for url, authorization in headers:
            if url.hostname == host and path.startswith(url.path.rstrip("/") + "/"):
                return {"Authorization": authorization}
        return None

    return Client(
        [
            *([MirrorMiddleware(tokens)] if tokens else []),
            RetryMiddleware(RETRIES),
            AuthenticationMiddleware(),
            *([AddHeadersMiddleware(authorize)] if headers else []),
            OciMiddleware(),
            GCSMiddleware(),
            S3Middleware(),
        ]
    )


async def _solve(request: dict[str, Any], client: Client, tell: Tell) -> list[rattler.RepoDataRecord]:
    if is_locked(request["specs"]):
        tell("solve", f"taking {len(request['specs'])} packages from the lock")
        return list(map(record_of_lock, request["specs"]))
    names = ", ".join(channel["name"] for channel in request["channels"])
    tell("solve", f"solving {len(request['specs'])} requirements from {names}")
    action = "force-cache-only" if request["offline"] else "cache-or-fetch"
    gateway = Gateway(
        cache_dir=os.path.join(request["home"], "cache", "repodata"),
        default_config=SourceConfig(cache_action=action),
        client=client,
    )
    here = request["platform"] == str(rattler.Subdir.current())
    settings = request["settings"]
    records: list[rattler.RepoDataRecord] = await rattler.solve(
        [rattler.Channel(channel["url"]) for channel in request["channels"]],
        [rattler.MatchSpec(spec) for spec in (*request["specs"], *map(_pin, request["locked"]))],
        gateway=gateway,
        platforms=[request["platform"], "noarch"],
        virtual_packages=rattler.VirtualPackage.detect() if here else assume_system(request["platform"]),
        channel_priority=rattler.ChannelPriority.Disabled
        if settings.get("channel_priority") == "disabled"
        else rattler.ChannelPriority.Strict,
        exclude_newer=datetime.strptime(request["as_of"], "%Y-%m-%dT%H:%M:%S%z") if request["as_of"] else None,
        add_pip_as_python_dependency=settings.get("add_pip_as_python_dependency") is not False,
    )
    return records


def _pin(locked: dict[str, str]) -> str:
    return f'{locked["name"]}[version="=={locked["version"]}",build="{locked["build"]}"]'


def _describe(record: rattler.RepoDataRecord) -> dict[str, Any]:
    return {
        "name": record.name.normalized,
        "version": str(record.version),
        "build": str(record.build),
        "subdir": str(record.subdir),
        "noarch": bool(record.noarch.python or record.noarch.generic),
        "python": bool(record.noarch.python) or any(one.split()[0] == "python" for one in record.depends),
        "channel": record.channel,
        "url": record.url,
        "file_name": record.file_name,
        "size": record.size or 0,
        "sha256": record.sha256.hex() if record.sha256 else "",
        "md5": record.md5.hex() if record.md5 else "",
        "depends": list(record.depends),
    }


async def _check(request: dict[str, Any], records: list[rattler.RepoDataRecord], cache: rattler.PackageCache) -> None:
    index = await cache.index()
    fresh = [record for record in records if not index.contains_record(record)]
    remote = [record for record in fresh if urlsplit(record.url).scheme != "file"]
    if request["vendored"] and remote:
        raise not_collected(_describe(remote[0]), request["vendored"])
    if request["offline"] and remote:
        names = ", ".join(sorted(f"{record.name.normalized} {record.version}" for record in remote)[:10])
        raise Refused(
            "offline",
            f"{len(remote)} packages are not in the cache and may not be fetched offline: {names}",
            hint="run once without --offline",
        )
    for record in records:
        local = urlsplit(record.url).scheme == "file"
        if not local and not record.sha256 and not record.md5:
            raise Refused(
                "channel",
                f"the channel gives no hash for {record.name.normalized} {record.version}: {record.url}",
                hint="use another channel: a package that cannot be checked is not installed",
            )
    for record in fresh:
        if record not in remote:
            _check_file(request, record)


def _check_file(request: dict[str, Any], record: rattler.RepoDataRecord) -> None:
    path = unquote(urlsplit(record.url).path)
    if is_locked(request["specs"]) and not os.path.exists(path):
        raise missing_package(_describe(record))
    expected = {"sha256": record.sha256, "md5": record.md5}
    check_hashes(path, {name: got.hex() for name, got in expected.items() if got})


async def _link(
    request: dict[str, Any],
    records: list[rattler.RepoDataRecord],
    cache: rattler.PackageCache,
    client: Client,
    config: rattler.Config,
    tell: Tell,
) -> None:
    folder = os.path.join(request["home"], "cache", "conda")
    reporter = LinkReporter([_describe(record) for record in records], folder, request["answer"], tell)
    await rattler.install(
        records,
        request["prefix"],
        platform=rattler.Subdir(request["platform"]),
        execute_link_scripts=False,
        show_progress=False,
        client=client,
        config=config,
        package_cache=cache,
        reporter=reporter,
        alternative_target_prefix=request["layer"]["prefix"] if request["layer"] else None,
    )

"""What registries and engines say when an image cannot be fetched, stored or sent, in localrun's words.

An engine passes a registry's answer on as text, and its status says little (500 for a wrong password), so the text
decides. Each row of `SIGNS` was seen from Docker 20.10 to 28 or stands in the sources of the distribution project.
"""

from __future__ import annotations

import re

from localrun.errors import LocalrunError


class ImageFailed(LocalrunError):
    """An image could not be fetched or sent.

    `code`: image_not_found, registry_denied, registry_credentials, registry_limit, registry_tls, registry_unreachable,
    image_platform, store_full, or image_failed for what nobody knows better.
    """

    code = "image_failed"


SIGNS = (
    ("registry_limit", ("toomanyrequests", "too many requests", "rate limit", "status 429")),
    ("store_full", ("no space left on device", "disk quota exceeded")),
    ("image_platform", ("no matching manifest for", "does not match the specified platform")),
    ("registry_tls", ("x509:", "http response to https client", "tls:", "certificate")),
    ("registry_credentials", ("incorrect username or password", "authentication required", "no basic auth")),
    ("registry_credentials", ("unauthorized", "failed to authorize", "http 401", "status: 401")),
    (
        "registry_denied",
        ("access denied", "access to the resource is denied", "403 forbidden", "denied:", "insufficient"),
    ),
    ("image_not_found", ("manifest unknown", "not found", "name unknown", "no such image", "does not exist")),
    ("registry_unreachable", ("connection refused", "no such host", "i/o timeout", "timeout exceeded", "eof")),
    ("registry_unreachable", ("connection reset", "broken pipe", "no route to host", "network is unreachable")),
    ("registry_unreachable", ("closed idle connection", "closed network connection", "connection broken")),
    ("registry_unreachable", ("connection lost", "sent goaway", "timed out", "host is down")),
    ("registry_unreachable", ("deadline exceeded", "temporary failure", "server misbehaving", "proxyconnect")),
    ("registry_unreachable", ("502 bad gateway", "503 service", "500 internal", "504 gateway", "status: 5", "timeout")),
)
"""For each code the signs of it, in lower case; the first row that fits counts."""

_NAMES = re.compile(r'https?://[^\s"]+|[^\s"]+/[^\s"]+:[^\s"]+|(?<=\bfor )\S+|(?<=\blookup )\S+')
"""Where addresses, hosts and images stand in a reason: what they are called is no sign."""

HINTS = {
    "registry_limit": "wait, or log in (docker login), which raises the limit; or pull from a registry of your own",
    "store_full": "make room in the engine's store: docker system df shows what is in it, docker image prune removes",
    "image_platform": "name a platform that the image has (--platform), or another image",
    "registry_tls": (
        "give the engine the registry's certificate (/etc/docker/certs.d/HOST:PORT/ca.crt), or list a registry without "
        "TLS among insecure-registries in /etc/docker/daemon.json"
    ),
    "registry_denied": "see the name, and whether this account may do so; docker login changes the account",
    "image_not_found": "see the name and the tag; an image of a private registry begins with its address",
    "registry_unreachable": "see that the registry runs and that the engine (not only this machine) reaches it",
}
"""What to do about each."""


def read_reason(reason: str) -> str:
    """Give the code for what an engine said of a registry; `image_failed` when it is not known."""
    text = _NAMES.sub("", reason.lower())
    for code, signs in SIGNS:
        if any(sign in text for sign in signs):
            return code
    return "image_failed"


def refuse_image(what: str, reason: str, *, registry: str, given: str = "", trouble: str = "") -> ImageFailed:
    """Give the error for an image that could not be fetched or sent.

    Args:
        what: Such as `NAME cannot be pulled`.
        reason: The engine's or the registry's words.
        registry: Host and port.
        given: Whom we said we are; empty when nothing was said.
        trouble: Why credentials could not be looked up; empty when that went well.
    """
    code = read_reason(reason)
    hint = HINTS.get(code, "see the engine's log; docker pull of the same may say more")
    if code in {"registry_credentials", "registry_denied"} and not given:
        code = "registry_credentials" if code == "registry_credentials" else code
        login = "docker login" + ("" if registry == "docker.io" else f" {registry}")
        hint = f"see the name; if it is private: {login}, or name username and password in base_image_registry"
    elif code == "registry_credentials":
        hint = (
            f"{registry} does not know {given} with that password or token; see both, or docker login {registry} anew"
        )
    if trouble:
        hint = f"{trouble}; {hint}"
    return ImageFailed(f"{what}: {reason.strip()}", hint=hint, code=code)

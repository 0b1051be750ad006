"""Whether a server can be reached, by the ways and with the trust that the caller's environment names."""

from __future__ import annotations

import os
import time

from localrun.errors import LocalrunError
from localrun.values import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
"""Variables that name a bundle of certificate authorities; the first one that is set counts."""


@value
class Answer:
    """What a server answered.

    Attributes:
        status: The HTTP status.
        seconds: How long it took.
        ahead_s: How far the clock of this machine is ahead of the server's; None when it did not say its time.
    """

    status: int
    seconds: float
    ahead_s: float | None = None


def find_bundle(environ: Mapping[str, str]) -> tuple[str, str]:
    """Give the variable that names a bundle of certificate authorities, and the path; two empty texts when none is."""
    return next(((name, environ[name]) for name in CERTIFICATES if environ.get(name)), ("", ""))


def ask_server(url: str, environ: Mapping[str, str], timeout_s: float) -> Answer:
    """Ask a server for the head of a page, through the proxies of the environment.

    Raises:
        LocalrunError: it does not answer; any status is an answer.
    """
    import http.client
    import ssl
    import urllib.error
    import urllib.request

    bundle = find_bundle(environ)[1]
    try:
        context = ssl.create_default_context(cafile=bundle if os.path.isfile(bundle) else None)
        context.load_default_certs()
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
        request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "localrun"})  # noqa: S310 - http(s)
        began = time.monotonic()
        try:
            with opener.open(request, timeout=timeout_s) as response:
                status, said = response.status, response.headers.get("Date")
        except urllib.error.HTTPError as error:
            status, said = error.code, error.headers.get("Date")
            error.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise LocalrunError(str(reason) or type(error).__name__, code="unreachable") from None
    return Answer(status=status, seconds=time.monotonic() - began, ahead_s=_compare_clocks(said))


def _compare_clocks(said: str | None) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return time.time() - parsedate_to_datetime(said).timestamp() if said else None
    except (TypeError, ValueError):
        return None

"""Image references, their registries, and what registries say."""

from __future__ import annotations

import base64
import json

import pytest

from localrun.adapters.docker_credentials import Credentials, make_header
from localrun.adapters.docker_errors import HINTS, SIGNS, read_reason, refuse_image
from localrun.adapters.docker_names import HUB, place_in, split_name
from localrun.adapters.docker_registry import LayerProgress, StreamFailed, read_events
from localrun.errors import BadInput

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("python", (HUB, "python", "latest", "")),
        ("azureml/azureml_0a", (HUB, "azureml/azureml_0a", "latest", "")),
        ("docker.io/library/python:3", (HUB, "library/python", "3", "")),
        ("localhost/a:b", ("localhost", "a", "b", "")),
        ("r.example:5000/a/b-c__d:1.0", ("r.example:5000", "a/b-c__d", "1.0", "")),
        (f"r:1/a@{DIGEST}", ("r:1", "a", "", DIGEST)),
        (f"a:t@{DIGEST}", (HUB, "a", "t", DIGEST)),
        ("[::1]:5000/a", ("[::1]:5000", "a", "latest", "")),
    ],
)
def test_references_are_taken_apart(reference, parts):
    found = split_name(reference)
    assert (found.registry, found.repository, found.tag, found.digest) == parts


@pytest.mark.parametrize(
    "reference", ["", "A/b", "a:", "a b", "-a", "a@", "a@sha256:0", "a/../b", "a:b:c", "https://a/b", "a:" + "t" * 129]
)
def test_what_is_no_reference_is_refused(reference):
    with pytest.raises(BadInput, match="no image reference"):
        split_name(reference)


def test_the_name_in_a_registry_has_its_prefix_and_no_other_registry():
    assert place_in("r:5000", "azureml/azureml_0a") == "r:5000/azureml/azureml_0a:latest"
    assert place_in("https://r.example/team/x/", "other:1/a:b") == "r.example/team/x/a:b"


@pytest.mark.parametrize("registry", ["", "r", "r:5000/Team", "a b:1", "r:5000/team:tag"])
def test_what_is_no_registry_is_refused(registry):
    with pytest.raises(BadInput):
        place_in(registry, "a")


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("toomanyrequests: You have reached your pull rate limit.", "registry_limit"),
        ("Get http://r:5000/v2/a/manifests/latest: no basic auth credentials", "registry_credentials"),
        ("unauthorized: authentication required", "registry_credentials"),
        ("Get https://registry-1.docker.io/v2/: unauthorized: incorrect username or password", "registry_credentials"),
        (
            "pull access denied for a, repository does not exist or may require 'docker login': denied: x",
            "registry_denied",
        ),
        ("manifest for r:1/a:b not found: manifest unknown: manifest unknown", "image_not_found"),
        ("Get https://r:1/v2/: x509: certificate signed by unknown authority", "registry_tls"),
        ("Get https://r:1/v2/: http: server gave HTTP response to HTTPS client", "registry_tls"),
        ("Get http://r:1/v2/: dial tcp 127.0.0.1:1: connect: connection refused", "registry_unreachable"),
        ("Get https://r/v2/: dial tcp: lookup r: no such host", "registry_unreachable"),
        ("net/http: request canceled (Client.Timeout exceeded while awaiting headers)", "registry_unreachable"),
        ("http: server closed idle connection", "registry_unreachable"),
        ("write tcp 127.0.0.1:1->127.0.0.1:2: use of closed network connection", "registry_unreachable"),
        ("net/http: HTTP/1.x transport connection broken: malformed HTTP response", "registry_unreachable"),
        ("http2: client connection lost", "registry_unreachable"),
        ("http2: server sent GOAWAY and closed the connection", "registry_unreachable"),
        ("Get https://r:1/v2/: dial tcp 10.0.0.1:1: connect: connection timed out", "registry_unreachable"),
        ("no matching manifest for linux/s390x in the manifest list entries", "image_platform"),
        ("failed to register layer: write /x: no space left on device", "store_full"),
        ("error parsing HTTP 401 response body: unexpected end", "registry_credentials"),
        ("received unexpected HTTP status: 401 Unauthorized", "registry_credentials"),
        ("something that nobody has seen", "image_failed"),
        # What an address or an image is called says nothing.
        ("manifest for 127.0.0.1:34401/unauthorized:tls not found: manifest unknown: x", "image_not_found"),
        ("Get http://certificate:4011/v2/: dial tcp: lookup tls: on 10.0.0.1:53: no such host", "registry_unreachable"),
        ('Get "http://tls:401/v2/unauthorized/manifests/latest": net/http: timeout', "registry_unreachable"),
        ('failed to resolve reference "r:401/certificate:1": r:401/certificate:1: not found', "image_not_found"),
        ("pull access denied for no-basic-auth, repository does not exist", "registry_denied"),
    ],
)
def test_what_registries_say_has_a_name(reason, code):
    assert read_reason(reason) == code


def test_every_name_has_something_to_do():
    assert {code for code, _ in SIGNS} - {"registry_credentials"} == set(HINTS)
    assert "docker login r:1" in refuse_image("x", "unauthorized", registry="r:1").hint
    assert "ann" in refuse_image("x", "unauthorized", registry="r:1", given="ann").hint
    assert (
        "the helper is broken" in refuse_image("x", "denied: no", registry="r:1", trouble="the helper is broken").hint
    )


def test_credentials_are_in_the_header_and_in_no_text():
    one = Credentials(username="ann", password="pass")
    header = json.loads(base64.urlsafe_b64decode(make_header(one, "r:1")))
    assert header == {"username": "ann", "password": "pass", "serveraddress": "r:1"}
    assert (
        json.loads(base64.urlsafe_b64decode(make_header(Credentials(identity_token="tok"), HUB)))["identitytoken"]
        == "tok"
    )
    assert make_header(Credentials(), "r:1") == base64.b64encode(b"{}").decode()
    assert "pass" not in repr(one) + str(one)


def test_events_are_read_line_by_line_until_one_says_that_it_failed():
    pieces = [b'{"status":"a"}\r\n{"sta', b'tus":"b"}\n\n', b'{"errorDetail":{"message":"no"},"error":"no"}']
    events = read_events(pieces)
    assert [next(events), next(events)] == [{"status": "a"}, {"status": "b"}]
    with pytest.raises(StreamFailed, match="no"):
        next(events)


@pytest.mark.parametrize("line", [b"[]", b"{", b"\xff"])
def test_what_is_no_event_is_told(line):
    with pytest.raises(StreamFailed, match="no event"):
        list(read_events([line]))


def test_the_bytes_of_all_layers_are_added_up():
    told = []
    progress = LayerProgress("pull", "pulling", lambda *given: told.append(given))
    progress.take({"status": "Downloading", "id": "a", "progressDetail": {"current": 5, "total": 10}})
    progress._told_at = 0
    progress.take({"status": "Downloading", "id": "b", "progressDetail": {"current": 1, "total": 2}})
    assert told == [("pull", "pulling", 5, 10, "bytes"), ("pull", "pulling", 6, 12, "bytes")]

"""HTTP as an engine speaks it, from bytes alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrun.adapters.engine_http import (
    HEAD_LIMIT,
    Body,
    Head,
    ProtocolBroken,
    make_head,
    make_target,
    quote,
    split_frames,
    split_head,
)

CHUNKED = Head(status=200, headers={"transfer-encoding": "chunked"})


def test_a_target_quotes_what_is_not_plain():
    target = make_target("/images/json", {"all": True, "filters": '{"label":["a=b c"]}', "n": 3})
    assert target == "/images/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%20c%22%5D%7D&n=3"
    assert quote("ä/☃") == "%C3%A4%2F%E2%98%83"


def test_a_head_has_one_line_a_header():
    assert (
        make_head("GET", "/v1.41/info", "docker", {"A": "1"})
        == b"GET /v1.41/info HTTP/1.1\r\nHost: docker\r\nA: 1\r\n\r\n"
    )


def test_a_header_with_a_line_break_is_refused():
    with pytest.raises(ValueError, match="line break"):
        make_head("GET", "/info", "docker", {"A": "1\r\nB: 2"})


def test_an_answer_s_head_is_read_in_lower_case_and_its_rest_kept():
    head, rest = split_head(b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    assert head == Head(status=404, headers={"content-type": "application/json", "content-length": "2"})
    assert rest == b"{}"


@pytest.mark.parametrize("part", [b"", b"HT", b"HTTP/1.1 200 OK\r\nA: 1\r\n"])
def test_a_head_that_is_not_complete_waits(part):
    assert split_head(part) is None


def test_a_head_that_announces_another_is_passed_over():
    head, rest = split_head(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx")
    assert (head.status, rest) == (200, b"x")


def test_switching_protocols_is_an_answer():
    assert split_head(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n\x01")[0].status == 101


@pytest.mark.parametrize(
    "nonsense", [b"SSH-2.0-OpenSSH", b"HTTP/1.1 what\r\n\r\n", b"HTTP/1.1 200" + b"a" * (HEAD_LIMIT + 9)]
)
def test_what_is_no_answer_is_refused(nonsense):
    with pytest.raises(ProtocolBroken):
        split_head(nonsense)


def test_a_body_of_known_length_ends_there():
    body = Body(Head(status=200, headers={"content-length": "4"}))
    assert (body.feed(b"ab"), body.ended) == (b"ab", False)
    assert (body.feed(b"cdX"), body.ended, body.rest) == (b"cd", True, b"X")


@pytest.mark.parametrize(("status", "method"), [(204, "DELETE"), (304, "POST"), (200, "HEAD")])
def test_some_answers_have_no_body(status, method):
    assert Body(Head(status=status, headers={"content-length": "9"}), method=method).ended


def test_a_body_without_a_length_ends_with_the_connection():
    body = Body(Head(status=200, headers={}))
    assert body.feed(b"abc") == b"abc"
    assert not body.ended
    body.end()
    assert body.ended


@pytest.mark.parametrize("headers", [{"content-length": "4"}, {"transfer-encoding": "chunked"}])
def test_a_body_that_is_cut_off_is_told(headers):
    body = Body(Head(status=200, headers=headers))
    with pytest.raises(ProtocolBroken, match="middle"):
        body.end()


@given(pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=8), cut=st.integers(1, 9))
def test_chunks_are_put_together_however_they_arrive(pieces, cut):
    wire = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nTrailer: x\r\n\r\n"
    body = Body(CHUNKED)
    found = b"".join(body.feed(wire[at : at + cut]) for at in range(0, len(wire), cut))
    assert (found, body.ended, body.rest) == (b"".join(pieces), True, b"")


@pytest.mark.parametrize("wire", [b"zz\r\n", b"-1\r\nx", b"a" * (HEAD_LIMIT + 1)])
def test_a_chunk_without_a_length_is_refused(wire):
    with pytest.raises(ProtocolBroken):
        Body(CHUNKED).feed(wire)


@pytest.mark.parametrize(
    ("status", "headers", "keeps"),
    [
        (200, {"content-length": "2"}, True),
        (200, {"transfer-encoding": "chunked"}, True),
        (204, {}, True),
        (200, {}, False),
        (200, {"content-length": "2", "connection": "close"}, False),
    ],
)
def test_a_connection_is_kept_when_the_end_of_its_answer_is_known(status, headers, keeps):
    assert Head(status=status, headers=headers).keeps_alive is keeps


@given(
    frames=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=20)), max_size=5), left=st.binary(max_size=7)
)
def test_frames_are_split_and_a_part_of_one_is_kept(frames, left):
    wire = b"".join(bytes([number, 0, 0, 0]) + len(data).to_bytes(4, "big") + data for number, data in frames)
    assert split_frames(wire + left) == (frames, left)

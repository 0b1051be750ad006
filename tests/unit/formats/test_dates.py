"""Days that environments are made as of."""

from __future__ import annotations

import pytest

from localrun.errors import BadInput
from localrun.formats.dates import read_as_of


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-03-01", "2024-03-01T23:59:59Z"),
        ("2024-03-01T12:00:00Z", "2024-03-01T12:00:00Z"),
        ("2024-03-01T12:00:00+02:00", "2024-03-01T10:00:00Z"),
    ],
)
def test_date_is_an_instant_that_is_the_same_everywhere(text, instant):
    assert read_as_of(text, key="--as-of") == instant


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-13-01", "2024-03-01T12:00:00", "20240301", "0001-01-01T00:00:00+23:59"]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(BadInput, match="is not a date"):
        read_as_of(text, key="--as-of")

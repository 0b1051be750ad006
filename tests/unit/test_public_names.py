from __future__ import annotations

import pytest

import localrun


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Enviroment'"):
        localrun.Enviroment  # noqa: B018


def test_every_public_name_is_listed():
    assert set(localrun._PLACES) <= set(dir(localrun))
    assert "Environment" in localrun.__all__

"""The fingerprint of an environment."""

from __future__ import annotations

from localrun.fingerprint import environment_fingerprint, environment_name

PLAIN = {"platform": "linux-64", "channels": (), "conda": ("python=3.11",), "pip": ()}


def test_fingerprint_keeps_its_golden_values():
    assert environment_fingerprint(**PLAIN) == GOLDEN_PLAIN
    assert (
        environment_fingerprint(
            platform="linux-64",
            channels=("conda-forge", "defaults"),
            conda=("python=3.11", "pip"),
            pip=("numpy==2.0", "-e ./päckage"),
            files=(("-e ./päckage", "ab" * 32),),
        )
        == GOLDEN_FULL
    )


def test_name_is_azureml_and_32_hex_digits():
    assert environment_name(GOLDEN_PLAIN) == "azureml_" + GOLDEN_PLAIN[:32]


def test_every_field_and_every_order_counts():
    base = {"platform": "p", "channels": ("a", "b"), "conda": ("c", "d"), "pip": ("e", "f"), "files": (("e", "1"),)}
    changed = [
        base | {"platform": "q"},
        base | {"channels": ("b", "a")},
        base | {"conda": ("d", "c")},
        base | {"pip": ("f", "e")},
        base | {"files": (("e", "2"),)},
        base | {"channels": ("a",), "conda": ("b", "c", "d")},
        base | {"pip": ("e\nf",)},
        base | {"pip": ("ef",)},
        base | {"files": ()},
    ]
    seen = {environment_fingerprint(**one) for one in (base, *changed)}
    assert len(seen) == len(changed) + 1


def test_text_that_is_not_unicode_has_a_fingerprint_too():
    assert len(environment_fingerprint(**(PLAIN | {"pip": ("\udcff",)}))) == 64


GOLDEN_PLAIN = "6a28999be5168d5447c5d5130aa29cc6cce592d6c314f1ccb8bf183fcdd65808"
GOLDEN_FULL = "40b03407bcebbc387fc5b6d478ada92a107df7b3ea6f5a4773a00726c3230b4e"

"""The fingerprint of an image."""

from __future__ import annotations

import pytest

from localrun.fingerprint import environment_fingerprint, image_fingerprint

BASE = {
    "python": "ab" * 32, "base_image": "base:1", "dockerfile": "FROM a\nRUN b\n", "context": "cd" * 32,
    "spark_repositories": ("https://a", "https://b"), "spark_packages": ("g:a:1", "g:b:1"),
}  # fmt: skip


def test_image_fingerprint_keeps_its_golden_values():
    assert image_fingerprint() == "a352b65367d606c7ea7817eff2885538601a7365f96d65afa265f4da65e74bee"
    assert image_fingerprint(**BASE) == "1b90c41f226dc38c3a2258453785bf99b061a92df3040db21d4727e5cfcaf2ce"


@pytest.mark.parametrize(
    "change",
    [
        {"python": ""},
        {"base_image": "base:2"},
        {"base_image": "base:1@sha256:" + "0" * 64},
        {"dockerfile": "FROM a\nRUN c\n"},
        {"dockerfile": ""},
        {"context": ""},
        {"spark_repositories": ("https://b", "https://a")},
        {"spark_packages": ("g:b:1", "g:a:1")},
        {"spark_packages": ("g:a:1", "g:b:2")},
        {"spark_packages": ()},
    ],
    ids=str,
)
def test_every_part_of_an_image_counts(change):
    assert image_fingerprint(**(BASE | change)) != image_fingerprint(**BASE)


def test_parts_do_not_run_together():
    assert image_fingerprint(base_image="ab") != image_fingerprint(dockerfile="ab")
    assert image_fingerprint(spark_packages=("a", "b")) != image_fingerprint(spark_packages=("a\nb",))


def test_line_ends_of_the_dockerfile_do_not_count():
    assert image_fingerprint(dockerfile="FROM a\r\nRUN b\r\n") == image_fingerprint(dockerfile="FROM a\nRUN b\n")


def test_python_part_brings_its_order_into_the_image():
    def of(*conda):
        python = environment_fingerprint(platform="linux-64", channels=(), conda=conda, pip=())
        return image_fingerprint(python=python, base_image="base:1")

    assert of("python=3.11", "numpy") != of("numpy", "python=3.11")

"""What an image says of itself."""

from __future__ import annotations

import json

import pytest

from localrun.adapters.containers import ImageFacts
from localrun.environments.image_labels import (
    describe_artifact,
    find_differences,
    hash_lock,
    make_labels,
)
from localrun.plan import EnvironmentPlan, ImagePlan
from localrun.values import replace

PLAN = EnvironmentPlan(
    kind="image",
    name="azureml_1",
    fingerprint="a" * 64,
    label="train",
    variables=(("FROM_FILE", "1"),),
    image=ImagePlan(name="azureml/azureml_2", fingerprint="b" * 64, base="base", prefix="/azureml-envs/azureml_3"),
)
LOCK = {
    "conda": [{"name": "python", "version": "3.11", "build": "h0", "url": "https://user:secret@a/b"}],
    "pip": [{"name": "click", "version": "8"}],
}
ARTIFACT = {
    "python": "/p/bin/python", "prefix": "/p", "path": ["/p/bin"], "variables": [["A", "1"]], "site_packages": ["/p/s"],
}  # fmt: skip


def facts(**labels):
    known = make_labels(PLAN, "sha256:1", LOCK, ARTIFACT)
    return ImageFacts(id="sha256:2", platform="linux/amd64", labels=known | labels, variables={})


def test_image_made_for_the_plan_gives_its_artifact():
    assert find_differences(facts(), PLAN, hash_lock(LOCK)) == ""
    found = describe_artifact(PLAN, facts())
    assert (found.image, found.python, found.prefix, found.path) == ("sha256:2", "/p/bin/python", "/p", ("/p/bin",))
    assert dict(found.variables) == {"A": "1", "FROM_FILE": "1"}


def test_labels_hold_versions_and_no_address():
    labels = make_labels(PLAN, "sha256:1", LOCK, ARTIFACT)
    assert json.loads(labels["localrun.versions"]) == {
        "conda": [{"build": "h0", "name": "python", "version": "3.11"}],
        "pip": [{"name": "click", "version": "8"}],
    }
    assert "secret" not in repr(labels)
    assert labels["localrun.lock_sha256"] == hash_lock(json.loads(labels["localrun.versions"]))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"localrun.fingerprint": ""}, "made by hand"),
        ({"localrun.fingerprint": "c" * 64}, "another definition"),
        ({"localrun.artifact": "{"}, "cannot be read"),
        ({"localrun.artifact": "[]"}, "cannot be read"),
        ({"localrun.lock_sha256": "d" * 64}, "versions of the local environment"),
    ],
)
def test_image_that_was_not_made_for_the_plan_says_why(labels, words):
    assert words in find_differences(facts(**labels), PLAN, hash_lock(LOCK))


def test_versions_count_only_where_there_are_some():
    assert find_differences(facts(), PLAN, "") == ""


def test_digest_is_that_of_a_registry():
    known = replace(facts(), digests=("<none>@<none>", "localhost:5000/a@sha256:9"))
    assert describe_artifact(PLAN, known).image_digest == "sha256:9"

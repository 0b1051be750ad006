from __future__ import annotations

import pytest

from localrun.errors import BadInput
from localrun.formats.references import Reference, parse_reference

SUBSCRIPTION = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("train", Reference(name="train")),
        ("train:3", Reference(name="train", version="3")),
        ("train@prod", Reference(name="train", label="prod")),
        ("azureml:train", Reference(name="train")),
        ("azureml:train:3", Reference(name="train", version="3")),
        ("azureml:train:latest", Reference(name="train")),
        ("azureml:AzureML-sklearn-1.5@latest", Reference(name="AzureML-sklearn-1.5")),
        ("azureml:train:Autosave_2026-01-02T03-04-05Z_ab", Reference(name="train", version="Autosave_2026-01-02T03-04-05Z_ab")),
        ("azureml://registries/azureml/environments/sklearn-1.5/versions/41",
         Reference(name="sklearn-1.5", version="41", registry="azureml")),
        ("azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
         Reference(name="sklearn-1.5", registry="azureml")),
        ("azureml://registries/azureml/environments/sklearn-1.5/latest", Reference(name="sklearn-1.5", registry="azureml")),
        ("azureml://registries/azureml/environments/sklearn-1.5@latest", Reference(name="sklearn-1.5", registry="azureml")),
        ("azureml:azureml://registries/r/environments/e/versions/1", Reference(name="e", version="1", registry="r")),
        (f"azureml:{SUBSCRIPTION}/environments/e/versions/7", Reference(name="e", version="7")),
        (f"{SUBSCRIPTION}/environments/e/labels/x", Reference(name="e", label="x")),
    ],
)  # fmt: skip
def test_every_spelling_is_understood(text, meant):
    assert parse_reference(text) == meant


@pytest.mark.parametrize(
    "text",
    ["", "azureml:", "azureml://registries/r/models/m", "a/b", "a@b@c", "a\nb", "azureml://x", "a:b\x1b[1m", ":1"],
)
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(BadInput):
        parse_reference(text)

from __future__ import annotations

from localrun.adapters.containers import ImageFacts
from localrun.cli.image import describe_image, describe_row

ID = "sha256:" + "a" * 64
OWN = "azureml/azureml_" + "b" * 32


def test_image_goes_by_the_name_that_localrun_gave_it():
    item = {"Id": ID, "Created": 0, "RepoTags": ["host:5000/x:latest", f"{OWN}:latest"], "Labels": None, "Size": 7}
    row = describe_row(item)
    assert (row["name"], row["image"], row["size_bytes"]) == (OWN, ID, 7)
    assert (row["created_at"], row["digests"], row["fingerprint"]) == ("1970-01-01T00:00:00Z", [], "")
    assert describe_row(item | {"RepoTags": ["<none>:<none>"]})["name"] == ""


def test_image_is_described_with_its_labels_and_its_environment():
    facts = ImageFacts(
        id=ID,
        platform="linux/amd64",
        labels={"localrun.fingerprint": "f"},
        variables={"AZUREML_CONDA_ENVIRONMENT_PATH": "/azureml-envs/x"},
        names=(f"{OWN}:latest",),
        layers=("1", "2"),
        created="2026-01-02T03:04:05.678Z",
    )
    found = describe_image(facts)
    assert (found["name"], found["created_at"], found["layers"]) == (OWN, "2026-01-02T03:04:05Z", 2)
    assert (found["fingerprint"], found["conda_path"]) == ("f", "/azureml-envs/x")

"""What is told of the image of an environment."""

from __future__ import annotations

from localrun.api.image_details import DockerImageDetails, ImageBuildDetails

DETAILS = DockerImageDetails({
    "imageExistsInRegistry": False,
    "imageExistsLocally": True,
    "dockerImage": {
        "name": "azureml/azureml_1",
        "registry": {"address": "localhost:5000", "username": "annabel", "password": "s3cret"},
    },
    "pythonEnvironment": {"interpreterPath": "/p/bin/python", "condaEnvironmentPath": "/p"},
    "ingredients": {"dockerfile": ""},
})  # fmt: skip


def test_showing_it_masks_secrets_and_changes_nothing():
    for shown in (str(DETAILS), repr(DETAILS)):
        assert "s3cret" not in shown
        assert "ann***" in shown
    assert DETAILS["dockerImage"]["registry"]["password"] == "s3cret"
    assert DETAILS.registry["username"] == "annabel"


def test_properties_are_those_of_the_original():
    assert DETAILS.image_exist
    assert (DETAILS.repository, DETAILS.image) == ("azureml/azureml_1", "localhost:5000/azureml/azureml_1")
    assert (DETAILS.interpreter_path, DETAILS.environment_path) == ("/p/bin/python", "/p")
    assert DETAILS.dockerfile is None


def test_build_has_ended_when_it_is_given(tmp_path):
    (tmp_path / "log").write_text("one\n")
    build = ImageBuildDetails("azureml/azureml_1", str(tmp_path / "log"))
    build.wait_for_completion(show_output=False)
    assert (build.status, build.get_log()) == ("Succeeded", "one\n")
    assert ImageBuildDetails("a", str(tmp_path / "gone")).get_log() == ""

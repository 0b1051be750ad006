"""Which image another one is begun with."""

from __future__ import annotations

import pytest

from localrun import __version__
from localrun.adapters.check_contained import main
from localrun.environments.image_predecessor import MOST_STEPS, choose_predecessor, describe_requirements
from localrun.plan import EnvironmentPlan, ImagePlan


def make_plan(*pip, spark=()):
    return EnvironmentPlan(kind="image", name="azureml_1", pip=pip, image=ImagePlan(name="azureml/a", spark=spark))


def describe_image(*pip, number=1, layer="layer", steps=0, version=__version__, tags=None, spark=()):
    labels = {"localrun.layer": layer, "localrun.fingerprint": f"{number:064}", "localrun.version": version}
    labels |= describe_requirements(make_plan(*pip, spark=spark), steps)
    own = [f"azureml/azureml_{labels['localrun.fingerprint'][:32]}:latest"]
    return {"Id": f"sha256:{number}", "Created": number, "Labels": labels, "RepoTags": own if tags is None else tags}


def test_image_with_most_of_the_wanted_requirements_is_begun_with():
    images = [
        describe_image("numpy", number=1),
        describe_image("numpy", "pandas>=2", number=2, steps=3),
        describe_image("numpy", "other", number=3),
    ]
    assert choose_predecessor(make_plan("numpy", "pandas>=2", "click[x]; python_version>'3'"), "layer", images) == (
        "sha256:2",
        3,
    )


@pytest.mark.parametrize(
    "image",
    [
        describe_image("numpy==1"),
        describe_image("numpy", layer="another"),
        describe_image("numpy", steps=MOST_STEPS),
        describe_image("numpy", version="0"),
        describe_image("numpy", tags=["derived:latest"]),  # by a Dockerfile, which inherits the labels
        describe_image("numpy", spark=("package a:b:1",)),
        describe_image(),
        {"Id": "sha256:4", "Labels": None, "RepoTags": None},
        describe_image("numpy") | {"Labels": {"localrun.layer": "layer", "localrun.requirements": "{"}},
    ],
)
def test_image_that_may_hold_something_else_is_not_begun_with(image):
    assert choose_predecessor(make_plan("numpy", "click"), "layer", [image]) is None


@pytest.mark.parametrize(
    "line",
    [
        "-e ./here",
        "./here.whl",
        "name @ https://example.org/name.whl",
        "--extra-index-url https://me:secret@example.org",
        "https://example.org/a.whl",
        "git+https://example.org/a",
        "numpy==1 --hash=sha256:0",
        "-r more.txt",
    ],
)
def test_requirement_that_is_no_name_keeps_an_image_from_being_begun_with_and_from_beginning_with_one(line):
    assert describe_requirements(make_plan("numpy", line), 0)["localrun.requirements"] == "[]"
    assert choose_predecessor(make_plan("numpy", line), "layer", [describe_image("numpy")]) is None


def test_labels_hold_no_requirement_in_clear():
    assert "numpy" not in repr(describe_requirements(make_plan("numpy"), 0))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Give what puts a distribution into the only folder of packages that is looked into."""
    from localrun.adapters import check_contained

    monkeypatch.setattr(check_contained.sysconfig, "get_path", lambda _: str(tmp_path / "site"))

    def put(name, version, installer="uv", **files):
        folder = tmp_path / "site" / f"{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "INSTALLER").write_text(f"{installer}\n")
        for file, text in files.items():
            (folder / file.replace("__", ".")).write_text(text)

    return put


@pytest.fixture
def compare(tmp_path):
    """Give what compares a resolution with what is there, and gives its exit code and what is missing."""

    def work(text):
        resolved, missing = tmp_path / "resolved.txt", tmp_path / "missing.txt"
        resolved.write_text(text)
        code = main(str(resolved), str(missing))
        return code, missing.read_text() if missing.exists() else ""

    return work


@pytest.mark.parametrize(
    ("resolved", "code", "missing"),
    [
        ("python-dateutil==2.9\nclick==8\n", 0, "click==8\n"),
        ("Python_Dateutil==2.9 ; python_version > '3'\nsetuptools==70\n", 0, ""),
        ("python-dateutil==3.0\n", 1, ""),  # another version is wanted now
        ("click==8\n", 1, ""),  # it is not wanted at all
        ("python-dateutil==2.9\nsetuptools==71\n", 1, ""),  # conda's would be replaced
        ("python-dateutil @ https://example.org/a.whl\n", 1, ""),
    ],
)
def test_what_is_there_has_to_be_wanted_in_the_same_version(site, compare, resolved, code, missing):
    site("python_dateutil", "2.9")
    site("setuptools", "70", installer="conda")
    site("pip", "24", installer="conda")
    assert compare(resolved) == (code, missing)


def test_what_came_from_an_address_is_not_contained(site, compare):
    site("click", "8", direct_url__json="{}")
    assert compare("click==8\n") == (1, "")

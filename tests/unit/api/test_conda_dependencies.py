from __future__ import annotations

import copy
import os

import pytest

from localrun import CondaDependencies
from localrun.api.exceptions import UserErrorException
from localrun.errors import BadInput


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def conda(*packages, pip=None):
    dependencies = list(packages)
    if pip is not None:
        dependencies.append({"pip": list(pip)})
    return CondaDependencies(_underlying_structure={"dependencies": dependencies})


def test_the_default_is_that_of_azure_ml():
    made = CondaDependencies()
    assert list(made.conda_channels) == ["anaconda", "conda-forge"]
    assert (list(made.conda_packages), list(made.pip_packages)) == (["python=3.8.13"], ["azureml-defaults"])
    made.add_channel("x")
    assert list(CondaDependencies().conda_channels) == ["anaconda", "conda-forge"]
    assert CondaDependencies.get_default_number_of_packages() == (1, 1)


def test_create_takes_lists():
    made = CondaDependencies.create(pip_packages=["a"], conda_packages=["b", "python=3.9"], pip_indexurl="https://i")
    assert made.as_dict()["dependencies"] == ["python=3.9", {"pip": ["--find-links https://i", "a"]}, "b"]
    assert list(CondaDependencies.create().pip_packages) == ["azureml-defaults"]
    assert list(CondaDependencies.create(pip_packages=[]).pip_packages) == []
    assert CondaDependencies.create(python_version="3.7").get_python_version() == "3.7"
    with pytest.raises(TypeError):
        CondaDependencies.create(python_version=3.7)


@pytest.mark.parametrize(
    "spec",
    [
        "python=3.8.5=h7579374_1",
        "python>=3.7",
        "python >=3.7,<3.9",
        "python==3.7.9",
        "python=3",
        "conda-forge::python=3.8",
    ],
)
def test_python_is_replaced_by_what_is_asked_for(spec):
    made = CondaDependencies()
    made.add_conda_package("numpy")
    made.add_conda_package(spec)
    assert list(made.conda_packages) == [spec, "numpy"]


def test_python_without_a_version_leaves_the_present_one():
    made = CondaDependencies()
    made.add_conda_package("python")
    assert list(made.conda_packages) == ["python=3.8.13"]
    made = conda("numpy")
    made.add_conda_package("python")
    assert list(made.conda_packages) == ["numpy", "python"]
    assert made.get_python_version() is None


def test_python_is_not_removed():
    made = conda("python >=3.7", "numpy")
    with pytest.raises(UserErrorException, match="python must not be removed from conda dependencies"):
        made.remove_conda_package("python >=3.7")
    made.remove_conda_package("numpy")
    made.remove_conda_package("python")
    assert list(made.conda_packages) == ["python >=3.7"]


@pytest.mark.parametrize(
    ("before", "added", "after"),
    [
        (["PyYAML", "a"], "pyyaml==5", ["a", "pyyaml==5"]),
        (["numpy >= 1"], "numpy==2", ["numpy==2"]),
        (["scikit_learn"], "scikit-learn>=1", ["scikit-learn>=1"]),
        (["ray[tune]==1"], "ray==2", ["ray==2"]),
        (["foo @ https://e.org/foo.zip"], "foo", ["foo"]),
        (["https://e.org/foo-1.0-py3-none-any.whl#sha256=00"], "foo==2", ["foo==2"]),
        (["git+https://e.org/a", "git+https://e.org/b"], "c", ["git+https://e.org/a", "git+https://e.org/b", "c"]),
        (["--pre"], "pre", ["--pre", "pre"]),
    ],
)
def test_a_pip_package_replaces_those_of_its_name(before, added, after):
    made = conda("python=3.8", pip=before)
    made.add_pip_package(added)
    assert made.as_dict()["dependencies"][1]["pip"] == after


def test_options_of_pip_are_kept_without_a_pip_section():
    made = conda("python=3.8")
    made.set_pip_option("--pre")
    made.set_pip_option("--index-url=https://a")
    made.set_pip_option("--index-url https://b")
    assert list(made.pip_options) == ["--pre", "--index-url https://b"]
    made.remove_pip_option("--index-url")
    assert list(made.pip_options) == ["--pre"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("add_pip_package", "--pre"), "Invalid package name --pre"),
        (("add_pip_package", ""), "Invalid package name "),
        (("add_conda_package", "--pre"), "Invalid package name --pre"),
        (("add_conda_package", " "), "Invalid package name  "),
        (("set_pip_option", "numpy"), "Invalid pip option numpy"),
        (("add_tensorflow_pip_package", "tpu"), "Invalid core type tpu. Only accept 'cpu' or 'gpu'"),
    ],
)
def test_what_cannot_be_is_refused_in_the_words_of_the_original(call, said):
    made = CondaDependencies()
    with pytest.raises(UserErrorException) as caught:
        getattr(made, call[0])(call[1])
    assert caught.value.message == said
    assert made == CondaDependencies()


@pytest.mark.parametrize(
    "name", ["add_channel", "add_conda_package", "add_pip_package", "set_pip_option", "set_python_version"]
)
def test_other_things_than_text_are_refused(name):
    with pytest.raises(TypeError, match="expected str, <class 'int'> found"):
        getattr(CondaDependencies(), name)(3)


def test_tensorflow_leaves_its_neighbours():
    made = conda("python=3.8", "tensorflow=1", "tensorflow-base", pip=["tensorflow-addons", "tensorflow-gpu==1"])
    made.add_tensorflow_pip_package("cpu", "2.5")
    made.add_tensorflow_conda_package("gpu")
    assert list(made.pip_packages) == ["tensorflow-addons", "tensorflow==2.5"]
    assert list(made.conda_packages) == ["python=3.8", "tensorflow-base", "tensorflow-gpu=2.2.0"]


def test_requirements_are_merged():
    given = ["numpy>1", "numpy<2", "torch==1", "a[b]>1", "a", "x==1", "x==1"]
    assert CondaDependencies.merge_requirements(given) == ["numpy>1,<2", "torch==1", "a[b]>1", "a", "x==1"]


def test_a_file_is_read_and_written():
    with open("conda.yml", "w") as file:
        file.write("name: on\nchannels:\ndependencies:\n- python=3.10\n- pip:\n")
    made = CondaDependencies("conda.yml")
    made.add_pip_package("x")
    assert made.save("saved.yml") == "saved.yml"
    assert CondaDependencies("saved.yml") == made
    assert made.serialize_to_string() == "name: 'on'\nchannels: []\ndependencies:\n- python=3.10\n- pip:\n  - x\n"
    os.mkdir(".azureml")
    assert made.save_to_file(".") == ".azureml/auto_conda_dependencies.yml"
    assert made.save_to_file(".", "x.yml") == "x.yml"
    assert sorted(os.listdir()) == [".azureml", "conda.yml", "saved.yml", "x.yml"]


def test_places_that_cannot_be_written_are_named():
    made = CondaDependencies()
    for path, said in ((".", "to a directory."), ("no/x.yml", "to an invalid path."), (None, "specify the path")):
        with pytest.raises(UserErrorException, match=said):
            made.save(path)
    with pytest.raises(UserErrorException, match=r"Python package is missing\."):
        conda("numpy").save("x.yml")
    with pytest.raises(BadInput, match=r"there is no file nope\.yml"):
        CondaDependencies("nope.yml")
    assert os.listdir() == []


def test_copies_share_nothing_and_attributes_are_declared():
    made = CondaDependencies()
    copied = copy.deepcopy(made)
    copied.add_pip_package("x")
    made.as_dict()["dependencies"].clear()
    assert made == CondaDependencies() != copied
    with pytest.raises(AttributeError):
        made.pip_packges = []


def test_several_pip_sections_count_as_the_last():
    made = CondaDependencies(_underlying_structure={"dependencies": [{"pip": ["a"]}, {"pip": ["b"]}]})
    assert list(made.pip_packages) == ["b"]


def test_there_is_no_index_of_localrun():
    with pytest.raises(UserErrorException, match="no package index of its own"):
        CondaDependencies.sdk_origin_url()


def test_an_option_of_pip_that_was_there_several_times_is_set_once():
    made = conda("python=3.10", pip=["--index-url https://a", "x", "--index-url https://b", "--pre"])
    made.set_pip_index_url("--index-url https://c")
    assert made.as_dict()["dependencies"][-1] == {"pip": ["--index-url https://c", "x", "--pre"]}
    made.remove_pip_option("--find-links")
    assert list(made.pip_options) == ["--index-url https://c", "--pre"]


def test_a_package_that_is_there_is_not_added_again():
    made = conda("python=3.10", "numpy=1.26")
    made.add_conda_package("numpy=1.26")
    assert list(made.conda_packages) == ["python=3.10", "numpy=1.26"]
    assert repr(made) == "CondaDependencies({'dependencies': ['python=3.10', 'numpy=1.26']})"


def test_cntk_takes_the_place_of_its_other_kind():
    made = conda("python=3.6", pip=["x"])
    made.add_cntk_package()
    made.add_cntk_package("gpu")
    assert list(made.pip_packages) == ["x", "cntk-gpu==2.7"]
    with pytest.raises(UserErrorException):
        made.add_cntk_package("tpu")

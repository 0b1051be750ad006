"""The commit record, and what is looked at before every run."""

from __future__ import annotations

import json
import os

from localrun.environments.commit import choose_evidence, list_files, manifest_text, read_artifact, write_artifact
from localrun.environments.contents import bytecode_units, find_changed_files, find_missing_files, read_pip_packages
from localrun.environments.pip_part import is_plain, options_of
from localrun.environments.places import find_places
from localrun.plan import Artifact


def make_prefix(folder):
    site = folder / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "conda-meta").mkdir()
    for number in range(30):
        (site / f"m{number}.py").write_text("x = 1\n")
    (folder / "bin" / "python").write_text("#!")
    return str(folder), str(site)


def commit(tmp_path):
    prefix, site = make_prefix(tmp_path / "azureml_0")
    python = os.path.join(prefix, "bin", "python")
    evidence = choose_evidence(prefix, python, (site,), list_files(prefix))
    artifact = Artifact(
        kind="conda", python=python, prefix=prefix, variables=(("A", "ü"),), site_packages=(site,), evidence=evidence
    )
    record = prefix + ".ok"
    return record, prefix, site, write_artifact(record, artifact)


def test_what_was_committed_is_found_again(tmp_path):
    record, prefix, _, written = commit(tmp_path)
    found = read_artifact(record, prefix)
    assert found is not None
    assert found == written
    assert os.stat(record).st_mode & 0o777 == 0o600
    assert 12 < len(found.evidence) < 25


def test_a_package_that_came_or_went_shows(tmp_path):
    record, prefix, site, _ = commit(tmp_path)
    with open(os.path.join(site, "new.py"), "w"):
        pass
    assert read_artifact(record, prefix) is None


def test_another_prefix_another_form_or_garbage_is_no_record(tmp_path):
    record, prefix, _, _ = commit(tmp_path)
    assert read_artifact(record, prefix + "x") is None
    for text in ("", "[]", "{}", '{"form": 1}', "\x00"):
        with open(record, "w") as file:
            file.write(text)
        assert read_artifact(record, prefix) is None


def test_manifest_has_a_line_for_every_file(tmp_path):
    _, prefix, _, _ = commit(tmp_path)
    assert manifest_text(list_files(prefix)).count(b"\n") == 31


def test_a_manifest_has_names_as_json_whatever_is_in_them():
    names = ["a", "b\tc", "d\ne", 'f", "g', "ü", "\udcff", ""]
    lines = manifest_text([(name, 1, 2, 0o100644) for name in names]).decode().split("\n")
    assert [json.loads(line.split("\t", 3)[3]) for line in lines[:-1]] == names
    assert lines[0] == '1\t2\t100644\t"a"'
    assert manifest_text([]) == b""


def test_places_are_functions_of_the_name():
    places = find_places("/h", "azureml_1")
    assert (places.prefix, places.record) == ("/h/environments/azureml_1", "/h/environments/azureml_1.ok")
    assert places.lock == "/h/locks/azureml_1.lock"


def test_pip_packages_are_read_checked_and_compiled_by_their_record(tmp_path):
    info = tmp_path / "one-1.0.dist-info"
    info.mkdir()
    (tmp_path / "one.py").write_text("x")
    (info / "METADATA").write_text("")
    rows = "one.py,sha256=LXEWQrcmsEQBYnyp--6wy9chTD7GQPMTbAiWHF5IaIE,1\none-1.0.dist-info/RECORD,,\n"
    (info / "RECORD").write_text(rows)
    packages = read_pip_packages(str(tmp_path), ())
    assert [(one.name, one.version) for one in packages] == [("one", "1.0")]
    assert find_missing_files(packages) == []
    assert [path for _, path in find_changed_files(packages)] == [str(tmp_path / "one.py")]
    assert bytecode_units(packages)[0][1:3] == (str(tmp_path), ["one.py"])
    os.unlink(tmp_path / "one.py")
    assert "is missing" in find_missing_files(packages)[0]


def test_only_plain_requirements_are_resolved_early():
    assert is_plain(("numpy", "pandas>=2 ; python_version > '3'", "--index-url https://h/simple"))
    assert not is_plain(("./local",))
    assert not is_plain(("-e ../x",))
    assert not is_plain(("x @ https://h/x.whl",))
    assert not is_plain(("-r other.txt",))
    assert options_of(("a", "--pre", "b")) == ("--pre",)

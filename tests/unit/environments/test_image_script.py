"""The script that finishes an image in a container."""

from __future__ import annotations

import re

import pytest

from localrun.environments.image_script import (
    CACHE,
    FILES,
    INSIDE,
    PIP_FAILED,
    PipPart,
    Script,
    list_links,
    place_links,
    plan_pip_part,
    write_script,
)
from localrun.errors import BadInput


def test_local_requirements_go_along_and_editable_ones_are_installed_as_they_are(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "x-1.whl").touch()
    lines = ("click>=8", "-e ./pkg[all]", "./pkg", f"x @ file://{tmp_path}/x-1.whl", f"{tmp_path}/x-1.whl")
    pip = plan_pip_part(lines, str(tmp_path))
    assert pip.lines == (
        "click>=8",
        f"{FILES}/0/pkg[all]",
        f"{FILES}/0/pkg",
        f"x @ file://{FILES}/1/x-1.whl",
        f"{FILES}/1/x-1.whl",
    )
    assert pip.copies == ((f"{tmp_path}/pkg", f"{FILES}/0/pkg"), (f"{tmp_path}/x-1.whl", f"{FILES}/1/x-1.whl"))


def test_local_requirement_that_is_missing_is_refused(tmp_path):
    with pytest.raises(BadInput, match="which is not there"):
        plan_pip_part(("./pkg",), str(tmp_path))


def test_indexes_and_urls_stay_as_they_are():
    lines = ("--index-url https://a/simple", "a @ https://b/a.whl", "git+https://c/d", "--find-links https://e/f")
    assert plan_pip_part(lines, "/nowhere").lines == lines


def test_folders_with_packages_have_a_place_in_the_container(tmp_path):
    (tmp_path / "wheels").mkdir()
    links = list_links(("-f wheels", "click"), str(tmp_path), f"https://a,{tmp_path}/wheels,{tmp_path}/gone")
    assert links == {f"{tmp_path}/wheels": f"{INSIDE}/links/0"}
    assert plan_pip_part(("-f wheels",), str(tmp_path), links=links).lines == (f"--find-links {INSIDE}/links/0",)
    assert place_links(f"https://a,{tmp_path}/wheels,{tmp_path}/gone", links) == f"https://a,{INSIDE}/links/0"


def text_of(**fields):
    return write_script(Script(**({"variables": {}, "files": {}} | fields))).decode()


def test_values_are_quoted_and_contents_end_where_nothing_in_them_does():
    text = text_of(variables={"A": "it's $HOME"}, files={"netrc": "machine a\nLOCALRUN-\n$(id)\n"})
    assert "export A='it'\"'\"'s $HOME'" in text
    assert "cat >/dev/shm/localrun/netrc <<'LOCALRUN-" in text
    assert "$(id)" in text


def test_versions_of_an_earlier_making_are_constraints():
    pip = PipPart(lines=("click",), constraints=("click==8.1.0",))
    text = text_of(prefix="/p", python="/p/bin/python", pip=pip)
    assert "--constraints /dev/shm/localrun/constraints.txt" in text
    assert "click==8.1.0" in text
    assert f"|| exit {PIP_FAILED}" in text


def test_offline_build_fetches_nothing():
    text = text_of(prefix="/p", python="/p/bin/python", pip=PipPart(lines=("click",)), offline=True)
    assert "--offline" in text


def test_what_is_installed_is_compiled_from_the_cache_of_the_volume():
    text = text_of(prefix="/p", python="/p/bin/python", pip=PipPart(lines=("click",)))
    assert f"/p/bin/python -I -B -S /dev/shm/localrun/compile_installed.py {CACHE}/bytecode" in text
    assert "compile_installed" not in text_of(prefix="/p", python="/p/bin/python")


def test_only_what_is_missing_is_installed_where_another_image_was_begun_with():
    text = text_of(prefix="/p", python="/p/bin/python", pip=PipPart(lines=("click",)), begun=True)
    assert f"|| exit {PIP_FAILED}" not in text
    install = "pip install --python /p/bin/python --no-progress --color never --no-deps"
    assert re.findall(rf"{install} --requirements \S+( --offline)?", text) == [" --offline", ""]
    text = text_of(prefix="/p", python="/p/bin/python", pip=PipPart(lines=("click",)), begun=True, offline=True)
    assert text.count("pip install") == 1


def test_spark_packages_are_fetched_by_a_submit_of_nothing():
    text = text_of(spark=("repository https://a", "package g:a:1", "package g:b:2"))
    assert "--repositories https://a --packages g:a:1,g:b:2" in text
    assert "spark-submit" not in text_of()

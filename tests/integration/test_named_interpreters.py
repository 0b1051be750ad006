"""User-managed environments: the interpreter that is named, as it is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import localrun
from localrun.environments import find, materialize
from localrun.environments.settings import BuildSettings
from localrun.errors import NotRunnable
from localrun.plan import EnvironmentPlan


def plan_of(path, **more):
    return EnvironmentPlan(kind="interpreter", interpreter=str(path), **more)


def make(plan, home):
    return materialize(plan, home=str(home), settings=BuildSettings(), report=print)


def test_interpreter_is_asked_once(tmp_path):
    plan = plan_of(sys.executable, variables=(("A", "1"),))
    assert find(plan, home=str(tmp_path)) is None
    made = make(plan, tmp_path)
    assert made == find(plan, home=str(tmp_path))
    assert made.python == sys.executable
    assert made.path == (os.path.dirname(sys.executable),)
    assert any(path.endswith("site-packages") for path in made.site_packages)
    assert made.variables == (("A", "1"),)


def test_another_interpreter_under_the_same_name_is_asked_again(tmp_path):
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    make(plan_of(link), tmp_path)
    link.unlink()
    link.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    link.chmod(0o755)
    assert find(plan_of(link), home=str(tmp_path)) is None
    assert make(plan_of(link), tmp_path).python == str(link)


def test_missing_interpreter_is_not_found(tmp_path):
    with pytest.raises(NotRunnable, match="is not there") as caught:
        make(plan_of(tmp_path / "none"), tmp_path)
    assert caught.value.exit_code == 127


@pytest.mark.parametrize("text", ["#!/bin/sh\necho no python\n", "not a program", "#!/nowhere/sh\n"])
def test_what_is_no_interpreter_cannot_be_invoked(tmp_path, text):
    path = tmp_path / "python"
    path.write_text(text)
    path.chmod(0o755)
    with pytest.raises(NotRunnable) as caught:
        make(plan_of(path), tmp_path)
    assert caught.value.exit_code == 126


def test_a_file_that_is_not_executable_cannot_be_invoked(tmp_path):
    path = tmp_path / "python"
    path.write_text("")
    path.chmod(0o644)
    with pytest.raises(NotRunnable) as caught:
        make(plan_of(path), tmp_path)
    assert caught.value.exit_code == 126


def test_finding_an_environment_imports_no_third_party(tmp_path):
    code = (
        "import sys; from localrun.environments import find; from localrun.plan import EnvironmentPlan;"
        "find(EnvironmentPlan(kind='conda', name='azureml_0'), home=sys.argv[1]);"
        "find(EnvironmentPlan(kind='interpreter', interpreter=sys.executable), home=sys.argv[1]);"
        "bad = {'rattler', 'filelock', 'uv', 'subprocess', 'ruamel', 'asyncio', 'logging', 'dataclasses', 'pathlib'};"
        "print(sorted(bad & set(sys.modules)))"
    )
    package = os.path.dirname(os.path.dirname(localrun.__file__))
    plain = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {package!r}); {code}", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.stdout == "[]\n", plain.stderr

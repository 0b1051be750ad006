"""User-managed environments: the interpreter that is named, used as it is."""

from __future__ import annotations

import hashlib
import json
import os

from localrun.environments.commit import replace_file, take_evidence
from localrun.plan import Artifact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.environments.commit import Evidence
    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import EnvironmentPlan

_QUESTION = (
    "import site, sysconfig; paths = sysconfig.get_paths();"
    "own = [paths['purelib'], paths['platlib'], *(getattr(site, 'getsitepackages', list)())];"
    "print(ascii(list(dict.fromkeys(own))))"  # to import json would take it as long as all else
)
_LIMIT_S = 60


def find(plan: EnvironmentPlan, *, home: str) -> Artifact | None:
    """Give the environment of a plan when its interpreter was asked before and is the same since; else None."""
    evidence = take_evidence(plan.interpreter)
    if evidence is None or not os.access(plan.interpreter, os.X_OK):
        return None
    try:
        with open(_answer_path(home, plan.interpreter), "rb") as file:
            answer = json.load(file)
        if tuple(answer["evidence"]) != evidence:
            return None
        return _artifact(plan, evidence, tuple(answer["site_packages"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _answer_path(home: str, interpreter: str) -> str:
    digest = hashlib.sha256(interpreter.encode("utf-8", "surrogateescape")).hexdigest()
    return os.path.join(home, "interpreters", f"{digest[:32]}.json")


def _artifact(plan: EnvironmentPlan, evidence: Evidence, sites: tuple[str, ...]) -> Artifact:
    return Artifact(
        kind="interpreter",
        python=plan.interpreter,
        path=(os.path.dirname(plan.interpreter),),
        variables=plan.variables,
        site_packages=sites,
        evidence=(evidence,),
    )


def materialize(
    plan: EnvironmentPlan,
    *,
    home: str,
    settings: BuildSettings,  # noqa: ARG001 - the form of an engine
    report: Callable[[Progress], None],  # noqa: ARG001 - the form of an engine
) -> Artifact:
    """Give the environment of the named interpreter; it is asked once for its site folders.

    Raises:
        NotRunnable: it is not there (127), is not executable or is no Python (126).
    """
    if found := find(plan, home=home):
        return found
    evidence = _check(plan.interpreter)
    sites = _ask(plan.interpreter)
    path = _answer_path(home, plan.interpreter)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        replace_file(path, json.dumps({"evidence": evidence, "site_packages": sites}).encode())
    except OSError:
        pass  # a read-only or full workspace: it is asked again next time
    return _artifact(plan, evidence, sites)


def _check(interpreter: str) -> Evidence:
    from localrun.errors import NotRunnable

    hint = "name another interpreter, or leave python.userManagedDependencies out"
    evidence = take_evidence(interpreter)
    if evidence is None:
        raise NotRunnable(f"the interpreter {interpreter} is not there", hint=hint)
    if os.path.isdir(interpreter) or not os.access(interpreter, os.X_OK):
        raise NotRunnable(f"the interpreter {interpreter} cannot be executed", hint=hint, exit_code=126)
    return evidence


def _ask(interpreter: str) -> tuple[str, ...]:
    from ast import literal_eval

    from localrun.adapters.children import Child, run_child
    from localrun.errors import NotRunnable

    lines: list[str] = []
    try:
        ending = run_child(
            Child(argv=(interpreter, "-I", "-c", _QUESTION), directory="/"),
            on_line=lines.append,
            no_progress_s=_LIMIT_S,
        )
    except OSError as error:
        message = f"the interpreter {interpreter} cannot be executed: {error.strerror}"
        raise NotRunnable(message, hint="name a Python interpreter", exit_code=126) from error
    try:
        return tuple(str(path) for path in literal_eval(lines[-1]))
    except (ValueError, SyntaxError, IndexError, TypeError) as error:
        message = f"{interpreter} does not answer as a Python interpreter does (exit code {ending.code})"
        raise NotRunnable(message, hint="name a Python interpreter", exit_code=126) from error

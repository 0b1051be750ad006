"""The last step of an image: pip packages in a container of the conda layer, and a look at the whole from inside."""

from __future__ import annotations

import json
import os

from localrun.adapters import check_contained, compile_bytecode, compile_installed, describe_prefix
from localrun.adapters.archives import Member, list_tree, write_archive
from localrun.adapters.containers import put_files, run_script
from localrun.adapters.network_settings import find_bundle, gather_variables
from localrun.adapters.pip_settings import pip_as_uv
from localrun.adapters.rattler_errors import redact
from localrun.adapters.uv import PipRequest, explain, find_uv, keep_to_links
from localrun.environments.commit import replace_file
from localrun.environments.image_container import list_mounted_links
from localrun.environments.image_script import (
    BROKEN,
    CACHE,
    FILES,
    INSIDE,
    NOT_CONTAINED,
    PIP_FAILED,
    SHARED,
    SPARK_FAILED,
    Script,
    place_links,
    plan_pip_part,
    write_script,
)
from localrun.environments.settings import Progress
from localrun.errors import EnvironmentFailed
from localrun.formats.lock_archives import lay_over
from localrun.values import value
from localrun.workspace.versions import keep_conda

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from localrun.environments.image_link import Linked
    from localrun.environments.image_making import Making
    from localrun.workspace.versions import Package, Versions

LAST_LINES = 20


@value
class Finished:
    """What was found in a finished container: `artifact` as in the labels, and the packages."""

    artifact: dict[str, Any]
    versions: Versions


def finish_container(making: Making, container: str, linked: Linked, *, begun: bool = False) -> Finished | None:
    """Install the pip part, fetch Spark's packages, and describe what there is.

    Args:
        making: The making.
        container: Of the conda layer, or of an image on it.
        linked: What is in the layer.
        begun: The container has some of the pip packages already.

    Returns:
        What there is; None when the container has something that should not be there.

    Raises:
        EnvironmentFailed: a step failed, or the interpreter does not run.
    """
    plan = making.build.plan
    if plan.pip and not linked.python:
        message = f"{plan.label or 'the environment'} has a pip part but no python in its conda part"
        raise EnvironmentFailed(message, hint="add python to the conda dependencies", code="solve")
    if plan.pip:
        making.tell("pip", f"installing {len(plan.pip)} pip requirements in the image")
    script = _plan_script(making, container, linked, begun=begun)
    lines: list[str] = []
    told: list[str] = []

    def take(data: bytes) -> None:
        text = redact(data.decode("utf-8", "replace").rstrip("\r"))
        if text.startswith(describe_prefix.SIGN):
            told.append(text)
            return
        lines.append(text)
        making.log(text)
        making.build.report(Progress(stage="pip", text=text.strip()))

    code = run_script(making.engine, container, write_script(script), take)
    if begun and code == NOT_CONTAINED:
        return None
    if code:
        raise _explain(making, code, lines)
    return _describe(making, linked, told)


def _plan_script(making: Making, container: str, linked: Linked, *, begun: bool) -> Script:
    plan, image = making.build.plan, making.image
    pins = [f"{package['name']}=={package['version']}" for package in making.build.lock.get("pip", ())]
    links = list_mounted_links(making)
    vendored = making.build.settings.vendored
    lines = lay_over(plan.pip, vendored) if vendored else plan.pip
    pip = plan_pip_part(lines, plan.directory, pins, links) if lines else None
    variables = {
        "UV_CACHE_DIR": CACHE,
        "UV_LINK_MODE": "copy",
        "UV_COMPILE_BYTECODE": "0",  # localrun does it, from a cache
        "UV_NO_PYTHON_DOWNLOADS": "1",
        "UV_BREAK_SYSTEM_PACKAGES": "1",
        "HOME": SHARED,
        "TMPDIR": FILES,
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    if plan.as_of:
        variables["UV_EXCLUDE_NEWER"] = plan.as_of
    files = _read_programs(pip=pip is not None, begun=begun)
    if image.inherit_network_settings:
        variables = _inherit(files, links) | variables
    if vendored:
        variables = keep_to_links(variables, ",".join(links.values()))
    remote = making.engine.endpoint.remote
    if pip and (pip.copies or remote):
        copies = dict(pip.copies) | ({find_uv(): f"{FILES}/uv", **links} if remote else {})
        put_files(making.engine, container, "/", _pack(copies))
    return Script(
        prefix=image.prefix,
        python=linked.python,
        uv=f"{FILES}/uv" if remote else f"{INSIDE}/uv",
        pip=pip,
        variables=variables,
        files=files,
        spark=image.spark,
        offline=making.build.settings.offline or bool(vendored),
        begun=begun,
    )


def _read_programs(*, pip: bool, begun: bool) -> dict[str, str]:
    """Give what the interpreter in the container runs, by file name."""
    programs = [describe_prefix]
    if pip:
        programs += [compile_bytecode, compile_installed]
    if begun:
        programs.append(check_contained)
    return {os.path.basename(str(one.__file__)): _read(str(one.__file__)) for one in programs}


def _inherit(files: dict[str, str], links: dict[str, str]) -> dict[str, str]:
    """Give the variables of this machine that a build may see, and put the files that they name among the files."""
    settings = pip_as_uv(os.environ)
    variables = gather_variables(os.environ, settings)
    if "UV_FIND_LINKS" in variables:
        variables["UV_FIND_LINKS"] = place_links(variables["UV_FIND_LINKS"], links)
    if bundle := find_bundle(os.environ, settings):
        files["ca.pem"] = _read(bundle)
        variables |= dict.fromkeys(
            ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE"), f"{SHARED}/ca.pem"
        )
    netrc = os.environ.get("NETRC") or os.path.join(os.path.expanduser("~"), ".netrc")
    if os.path.isfile(netrc):
        files["netrc"] = _read(netrc)
        variables["NETRC"] = f"{SHARED}/netrc"
    return variables


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(16 << 20)
    except OSError:
        return ""


def _pack(copies: dict[str, str]) -> Iterator[bytes]:
    members = [Member(name=FILES.lstrip("/"), kind="folder", mode=0o755)]
    for source, place in copies.items():
        name = place.lstrip("/")
        members.append(Member(name=os.path.dirname(name), kind="folder", mode=0o755))
        if os.path.isdir(source):
            members += list_tree(source, name)
        else:
            members.append(Member(name=name, mode=0o755, source=os.path.realpath(source)))
    return write_archive(members)


def _explain(making: Making, code: int, lines: list[str]) -> Exception:
    plan = making.build.plan
    detail = "\n".join(lines[-LAST_LINES:])
    if code == PIP_FAILED:
        offline = making.build.settings.offline
        request = PipRequest(python="", requirements=plan.pip, directory="", cache="", offline=offline, log=-1)
        return explain(lines, request, 1)
    if code == SPARK_FAILED:
        message = "the Spark packages could not be fetched in the image"
        hint = "use a base image with Spark (SPARK_HOME), and see that the packages and repositories exist"
        return EnvironmentFailed(message, hint=hint, detail=detail, code="build_failed")
    if code == BROKEN:
        message = "the interpreter of the environment does not run in the image"
        hint = "the base image may be older than what conda's packages need: use a newer one"
        return EnvironmentFailed(message, hint=hint, detail=detail, code="base_image")
    message = f"the container that the image is made in ended with exit code {code}"
    hint = f"see whether the engine can run images for {making.image.platform}"
    return EnvironmentFailed(message, hint=hint, detail=detail, code="build_failed")


def _describe(making: Making, linked: Linked, told: list[str]) -> Finished:
    plan, prefix = making.build.plan, making.image.prefix
    variables = describe_prefix.name_prefix(prefix) if prefix else {}
    found: dict[str, Any] = {"sites": [], "packages": [], "variables": variables, "path": []}
    if told:
        found = json.loads(told[-1].removeprefix(describe_prefix.SIGN))
    elif linked.python:
        raise EnvironmentFailed("the interpreter of the environment said nothing", code="base_image")
    pip: list[Package] = [
        {"name": name, "version": version} for name, version, installer in found["packages"] if installer == "uv"
    ]
    versions: Versions = {"conda": [keep_conda(record) for record in linked.records], "pip": pip} if plan.name else {}
    if plan.name and not making.build.lock:
        replace_file(making.build.places.versions, json.dumps(versions, indent=1).encode())
    artifact = {
        "python": linked.python,
        "prefix": prefix,
        "path": [*found["path"], f"{prefix}/bin"] if prefix else [],
        "variables": sorted(found["variables"].items()),
        "site_packages": found["sites"],
    }
    return Finished(artifact=artifact, versions=making.build.lock or versions)

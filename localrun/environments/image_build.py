"""The making of an image: its base, the layer with the conda prefix, the pip part on top, and last its name."""

from __future__ import annotations

import contextlib
import json
import os
import threading

from localrun.adapters.archives import write_archive
from localrun.adapters.containers import (
    ImageFacts,
    commit_container,
    find_image,
    list_images,
    put_files,
    remove_image,
    tag_image,
)
from localrun.adapters.engine import EngineRefused
from localrun.adapters.image_load import can_load_layers, load_layer
from localrun.environments.commit import replace_file
from localrun.environments.image_bases import check_base, check_platform
from localrun.environments.image_container import open_container
from localrun.environments.image_dockerfile import build_dockerfile_image
from localrun.environments.image_labels import LAYERS, make_labels
from localrun.environments.image_leftovers import MAKER, name_maker, remove_leftovers
from localrun.environments.image_link import Linked, link_prefix, list_layer
from localrun.environments.image_making import Making
from localrun.environments.image_pip import finish_container
from localrun.environments.image_predecessor import choose_predecessor, describe_requirements
from localrun.environments.making import Build, read_lock
from localrun.environments.removal import remove_tree, share_caches
from localrun.errors import EnvironmentFailed, LocalrunError, StoreFailed
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from localrun.adapters.engine import Engine
    from localrun.environments.places import Places
    from localrun.environments.settings import BuildSettings, Progress
    from localrun.plan import EnvironmentPlan
    from localrun.workspace.versions import Versions

PLAIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH of an image that says nothing, as the engine has it."""


def build_image(
    engine: Engine,
    plan: EnvironmentPlan,
    places: Places,
    settings: BuildSettings,
    report: Callable[[Progress], None],
    *,
    keep: tuple[int, ...],
) -> ImageFacts:
    """Make an image and give it its name; what is half-made is removed again, the log stays.

    Raises:
        EnvironmentFailed: a step failed.
        BadInput: the Dockerfile or the build context cannot be used.
        EngineLost: the engine has gone.
        StoreFailed: the workspace cannot hold what is made on the way.
    """
    assert plan.image is not None  # noqa: S101 - plans of this kind have one
    remove_tree(places.work)
    os.makedirs(places.work, mode=0o700)
    log = os.open(places.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_APPEND, 0o600)
    caches = share_caches(places.home)
    if settings.rebuild:
        _forget_versions(places)
    if settings.solution:
        replace_file(places.versions, json.dumps(settings.solution, indent=1).encode())
    build = Build(
        plan=plan,
        places=places,
        settings=settings,
        report=report,
        log=log,
        keep=(*keep, caches),
        lock=read_lock(places) if plan.name else {},
    )
    making = Making(engine=engine, build=build, image=plan.image)
    try:
        return _make(making)
    except LocalrunError as error:
        making.log(f"{error.message}\n{error.detail}")
        raise _point_to_log(error, places) from error
    finally:
        os.close(caches)
        os.close(log)
        remove_tree(places.work)


def _forget_versions(places: Places) -> None:
    """Let what is made on purpose take the versions of today; a local environment with the old ones is made anew."""
    local = os.path.join(os.path.dirname(places.versions), os.path.basename(places.versions).partition(".")[0])
    for path in (f"{local}.ok", places.versions, places.conda_lock):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _point_to_log(error: LocalrunError, places: Places) -> LocalrunError:
    if places.log not in error.hint and isinstance(error, EnvironmentFailed | StoreFailed):
        error.hint = f"{error.hint}; the whole log is {places.log}" if error.hint else f"see {places.log}"
    return error


def _make(making: Making) -> ImageFacts:
    remove_leftovers(making.engine)
    base = _make_base(making)
    plan = making.build.plan
    if not plan.name and not making.image.spark:
        labels = _label(making, base, {"python": "", "prefix": ""}, {})
        return _name(making, _commit_labels(making, base, labels))
    linked = _make_layer(making, base) if plan.name else Linked(layer=base.id)
    removal = _start_removal(making.build.places.prefix)
    try:
        return _name(making, _finish(making, base, linked))
    finally:
        removal.join()


def _make_base(making: Making) -> ImageFacts:
    image = making.image
    name = image.base
    if not name:
        name = build_dockerfile_image(making)
    found = find_image(making.engine, name)
    if found is None:
        message = f"the base image {name} was removed while the image was made"
        raise EnvironmentFailed(message, hint="try again", code="image_not_found")
    check_platform(found, image.base or "of the Dockerfile", image.platform)
    return found


def _make_layer(making: Making, base: ImageFacts) -> Linked:
    """Give the image that holds the conda prefix on its base, found or made."""
    engine = making.engine
    shown = making.image.base or "made from the Dockerfile"
    with open_container(making, base.id, base) as container:
        check_base(engine, container, base, shown, conda=True)
        linked = link_prefix(making, base.id, _list_layers(making))
        if linked.layer:
            making.tell("image", "the conda layer is there already")
            return linked
        making.tell("image", f"adding the conda environment ({linked.packages} packages) to {shown}")
        layer = _add_layer(making, base, container, linked)
        tag_image(engine, layer, f"{LAYERS}{linked.key[:32]}")
        return replace(linked, layer=layer)


def _add_layer(making: Making, base: ImageFacts, container: str, linked: Linked) -> str:
    """Put the linked prefix on the base image: as one upload where the engine takes that, else through a container."""
    engine, comment = making.engine, "localrun: conda environment"
    settings = _configure(base, making.image.prefix, {"localrun.layer": linked.key, MAKER: name_maker()})
    members = list_layer(linked.folder, making.image.prefix)
    if can_load_layers(engine):
        try:
            return load_layer(engine, base.id, members, settings, comment=comment)
        except EngineRefused as error:
            making.log(f"the layer goes through a container: {error.message}: {error.reason}")
    put_files(engine, container, "/", write_archive(members))
    return commit_container(engine, container, settings, comment=comment)


def _start_removal(folder: str) -> threading.Thread:
    """Begin to remove a folder that has been sent, while the engine works on it; what is left goes at the end."""

    def remove() -> None:
        with contextlib.suppress(StoreFailed):
            remove_tree(folder)

    thread = threading.Thread(target=remove)
    thread.start()
    return thread


def _list_layers(making: Making) -> dict[str, str]:
    """Give the layers that the engine has: id by key."""
    found = list_images(making.engine, reference=f"{LAYERS}*")
    return {str((one.get("Labels") or {}).get("localrun.layer", "")): str(one["Id"]) for one in found}


def _finish(making: Making, base: ImageFacts, linked: Linked) -> str:
    """Make the image on one that has some of its pip packages, or else on its conda layer; give its id."""
    if not making.build.settings.rebuild:
        there = list_images(making.engine, label=f"localrun.layer={linked.key}")
        begun = choose_predecessor(making.build.plan, linked.key, there)
        if begun is not None:
            making.log(f"begun with {begun[0][7:19]}, which has some of the pip packages")
            if made := _finish_on(making, base, linked, begun):
                return made
            making.log("what it has is not what is wanted now: begun with the conda layer")
    made = _finish_on(making, base, linked, None)
    assert made is not None  # noqa: S101 - a conda layer has nothing that should not be there
    return made


def _finish_on(making: Making, base: ImageFacts, linked: Linked, begun: tuple[str, int] | None) -> str | None:
    image = begun[0] if begun else linked.layer
    with open_container(making, image, base, keep=making.build.settings.keep) as container:
        done = finish_container(making, container, linked, begun=begun is not None)
        if done is None:
            return None
        labels = _label(making, base, done.artifact, done.versions, begun[1] + 1 if begun else 0)
        settings = _configure(base, making.image.prefix, labels)
        return commit_container(making.engine, container, settings, comment="localrun: pip packages and settings")


def _configure(base: ImageFacts, prefix: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Give an image's configuration: the base image's own, with the environment in front of its paths.

    The engine would take command, entrypoint and user of the container where nothing is said.
    """
    variables = dict(base.variables)
    if prefix:
        library = variables.get("LD_LIBRARY_PATH", "")
        variables |= {
            "PATH": f"{prefix}/bin:{variables.get('PATH') or PLAIN_PATH}",
            "LD_LIBRARY_PATH": f"{prefix}/lib" + (f":{library}" if library else ""),
            "AZUREML_CONDA_ENVIRONMENT_PATH": prefix,
            "CONDA_PREFIX": prefix,
        }
    variables["AZUREML_ENVIRONMENT_IMAGE"] = "True"
    command = list(base.command) or ([] if base.entrypoint else ["/bin/sh"])
    return {
        "Env": [f"{name}={text}" for name, text in variables.items()],
        "Entrypoint": list(base.entrypoint),
        "Cmd": command,
        "User": base.user,
        "Labels": dict(labels),
    }


def _label(
    making: Making, base: ImageFacts, artifact: Mapping[str, Any], lock: Versions, steps: int = 0
) -> dict[str, str]:
    """Give the labels of the image; the base is what the plan knows it by."""
    empty = {"python": "", "prefix": "", "path": [], "variables": [], "site_packages": []}
    known = making.image.base_id or base.id
    labels = make_labels(making.build.plan, known, lock, empty | dict(artifact))
    return labels | describe_requirements(making.build.plan, steps) | {MAKER: name_maker()}


def _commit_labels(making: Making, base: ImageFacts, labels: Mapping[str, str]) -> str:
    """Give an image that is its base and has the labels."""
    with open_container(making, base.id, base) as container:
        return commit_container(making.engine, container, _configure(base, "", labels), comment="localrun: settings")


def _name(making: Making, made: str) -> ImageFacts:
    """Give an image its name, which from here on stands for it alone; the one that had it goes when nobody uses it."""
    engine, name = making.engine, making.image.name
    before = find_image(engine, name)
    tag_image(engine, made, name)
    if before is not None and before.id != made and not [one for one in before.names if one != f"{name}:latest"]:
        remove_image(engine, before.id)
    found = find_image(engine, name)
    if found is None or found.id != made:
        message = f"the image {name} was given to another image while it was made"
        raise EnvironmentFailed(message, hint="try again")
    making.tell("done", f"made {name} ({made[7:19]})")
    return found

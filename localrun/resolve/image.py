"""The image of the docker target: what it is made of, and so what it is called.

An image is named after its definition, and what a tag of a base image stands for now is part of that. Where a base
image is not in the engine yet, the name is not known either: it is empty until `settle_image` is told.
"""

from __future__ import annotations

import re

from localrun.fingerprint import environment_name, image_fingerprint
from localrun.formats.docker_section import NOT_HERE
from localrun.plan import EnvironmentPlan, ImagePlan
from localrun.resolve.locks import name_conda_part, plan_packages
from localrun.resolve.refusal import refuse
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from localrun.resolve.facts import HostFacts
    from localrun.spec import EnvironmentSpec, PythonSpec, RunSpec

DEFAULT_PLATFORM = "linux/amd64"
"""What counts where neither the environment nor an engine says anything."""
SUBDIRECTORIES = {
    "linux/amd64": "linux-64",
    "linux/arm64": "linux-aarch64",
    "linux/arm64/v8": "linux-aarch64",
    "linux/ppc64le": "linux-ppc64le",
    "linux/s390x": "linux-s390x",
}
"""conda's subdirectory for each platform of images that has one."""
PREFIXES = "/azureml-envs"
"""The folder that holds conda environments in an image, as in the images of Azure ML."""
_FROM = re.compile(
    r"^[ \t]*FROM[ \t]+(?:--platform=\S+[ \t]+)?(\S+)(?:[ \t]+AS[ \t]+(\S+))?", re.IGNORECASE | re.MULTILINE
)


def plan_image(spec: RunSpec, facts: HostFacts) -> EnvironmentPlan:
    """Plan the image that containers run.

    Raises:
        BadInput: there is neither an image nor a Dockerfile, or conda has no packages for its platform.
    """
    asked = spec.environment
    if asked is None or not (asked.image or asked.build):
        what = "no environment is given" if asked is None else f"{_label(asked)} has neither an image nor a Dockerfile"
        hint = "give -E image:NAME, add image: to the environment, or use -t local"
        raise refuse(spec, f"{what}, and the docker target needs one", key="environment", flag="-E", hint=hint)
    check_build(spec, asked)
    image = _describe_image(spec, asked, facts)
    planned = EnvironmentPlan(kind="image", label=_label(asked), image=image)
    if asked.python is None:
        planned = replace(planned, platform=SUBDIRECTORIES.get(image.platform, ""), interpreter=asked.interpreter)
    else:
        planned = _add_python(spec, asked.python, planned, facts)
    return settle_image(planned, dict(facts.images))


def check_build(spec: RunSpec, asked: EnvironmentSpec) -> None:
    """Refuse a Dockerfile that cannot be built.

    Raises:
        BadInput: it is not on this machine, or names no image to start from.
    """
    build = asked.build
    if build is None:
        return
    if build.context and not build.dockerfile:
        message = f"the build context {build.context} is not a folder on this machine"
        raise refuse(spec, message, key="environment", flag="-E", hint=NOT_HERE)
    if not _FROM.search(build.dockerfile):
        message = f"the Dockerfile of {asked.name} has no FROM" if asked.name else f"{_label(asked)} has no FROM"
        raise refuse(spec, message, key="environment", flag="-E", hint="begin it with FROM and a base image")


def _describe_image(spec: RunSpec, asked: EnvironmentSpec, facts: HostFacts) -> ImagePlan:
    build, registry = asked.build, asked.registry
    spark = asked.spark if asked.spark and asked.spark.precached else None
    lines = [("repository", url) for url in spark.repositories] if spark else []
    lines += [("package", package) for package in spark.packages] if spark else []
    return ImagePlan(
        name="",
        base="" if build else asked.image,
        dockerfile=build.dockerfile if build else "",
        context=build.context if build else "",
        dockerfile_path=build.dockerfile_path if build else "Dockerfile",
        context_hash=dict(facts.contexts).get(build.context, "") if build else "",
        platform=asked.platform or facts.engine_platform or DEFAULT_PLATFORM,
        registry=registry.address if registry else "",
        username=registry.username if registry else "",
        password=registry.password if registry else "",
        identity_token=registry.identity_token if registry else "",
        pull=spec.container.pull,
        inherit_network_settings=spec.container.inherit_network_settings is not False,
        spark=tuple(" ".join(pair) for pair in lines) if spark and spark.packages else (),
    )


def _label(asked: EnvironmentSpec) -> str:
    return asked.name or asked.file.rpartition("/")[2] or asked.image or "inline environment"


def _add_python(spec: RunSpec, python: PythonSpec, planned: EnvironmentPlan, facts: HostFacts) -> EnvironmentPlan:
    image = planned.image
    assert image is not None  # noqa: S101 - the caller has made it
    platform = SUBDIRECTORIES.get(image.platform)
    if platform is None:
        message = f"conda has no packages for images of the platform {image.platform}"
        hint = f"name one of {', '.join(sorted(SUBDIRECTORIES))}, or an environment without Python packages"
        raise refuse(spec, message, key="environment", flag="-E", hint=hint)
    planned = plan_packages(planned, python, platform, facts)
    # One more pip package is installed over the same conda part, so the prefix is named after that part alone.
    return replace(planned, image=replace(image, prefix=f"{PREFIXES}/{name_conda_part(planned, facts)}"))


def list_bases(image: ImagePlan) -> tuple[str, ...]:
    """Give the references of the images that an image is made from or is: each once, in order.

    Those that a Dockerfile names by a variable, and the stages that it makes itself, are not among them.
    """
    return (image.base,) if image.base else _read_bases(image.dockerfile)


def list_bases_of(asked: EnvironmentSpec) -> tuple[str, ...]:
    """Give the same for an environment as asked for."""
    return _read_bases(asked.build.dockerfile) if asked.build else (asked.image,) if asked.image else ()


def _read_bases(dockerfile: str) -> tuple[str, ...]:
    stages: set[str] = {"scratch"}
    found: dict[str, None] = {}
    for reference, stage in _FROM.findall(dockerfile):
        if reference.lower() not in stages and "$" not in reference:
            found[reference] = None
        stages.add(stage.lower())
    return tuple(found)


def settle_image(plan: EnvironmentPlan, ids: Mapping[str, str]) -> EnvironmentPlan:
    """Give the plan with the image's fingerprint and name, as far as they are known.

    Args:
        plan: The plan of an image.
        ids: The id that each base image stands for in the engine now; one that is missing or empty is not there.
    """
    image = plan.image
    assert image is not None  # noqa: S101 - plans of this kind have one
    bases = list_bases(image)
    known = [ids.get(reference, "") for reference in bases]
    base_id = ",".join(known) if all(known) else ""
    if is_plain_image(plan):
        return replace(plan, image=replace(image, name=image.base, base_id=base_id))
    settled = replace(image, name="", fingerprint="", base_id=base_id)
    if base_id or not bases:
        fingerprint = _fingerprint(plan, settled, bases, known)
        settled = replace(settled, name=f"azureml/{environment_name(fingerprint)}", fingerprint=fingerprint)
    return replace(plan, image=settled)


def is_plain_image(plan: EnvironmentPlan) -> bool:
    """Tell whether the image is used as it is: nothing has to be built."""
    return plan.image is not None and bool(plan.image.base) and not plan.image.prefix and not plan.image.spark


def _fingerprint(plan: EnvironmentPlan, image: ImagePlan, bases: tuple[str, ...], known: list[str]) -> str:
    pinned = [
        f"{reference.partition('@')[2]} {image.platform}" if "@sha256:" in reference else found
        for reference, found in zip(bases, known, strict=True)
    ]
    return image_fingerprint(
        python=plan.fingerprint,
        base_image=",".join(pinned) or image.platform,
        dockerfile=image.dockerfile,
        context=f"{image.dockerfile_path} {image.context_hash}" if image.context else "",
        spark_repositories=_spark_lines(image, "repository "),
        spark_packages=_spark_lines(image, "package "),
    )


def _spark_lines(image: ImagePlan, kind: str) -> tuple[str, ...]:
    return tuple(line.removeprefix(kind) for line in image.spark if line.startswith(kind))

"""The image of an environment: of a Dockerfile, of `build:` in a v2 YAML, of the docker section in a v1 document."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from localrun.errors import BadInput
from localrun.formats import secret_names
from localrun.formats.gate import decode_text, read_referenced
from localrun.formats.nodes import Node, mapping, note, read_beside, text
from localrun.formats.v1_sections import find_reference
from localrun.spec import EnvironmentSpec, ImageBuildSpec, RegistrySpec, SparkSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_COPY = re.compile(r"^[ \t]*(COPY|ADD)[ \t]+(?!.*--from=)(?!(--\S+[ \t]+)*https?://)", re.IGNORECASE | re.MULTILINE)
_SETTING = re.compile(r"\s*(ARG|ENV)\s+(.*)", re.IGNORECASE)
NOT_HERE = "clone it, and name the folder with build: path: in an environment YAML, or give -E its Dockerfile"
"""What to do about a build context that is not on this machine."""


def read_dockerfile(reference: str, *, read: Callable[[str], bytes]) -> EnvironmentSpec:
    """Give the environment of a Dockerfile; its folder is the build context when it copies from there.

    Raises:
        BadInput: it cannot be read.
    """
    path = os.path.abspath(reference)
    dockerfile = _decode(read_referenced(path, read=read, shown=reference), reference)
    copies = _COPY.search(dockerfile) is not None
    build = ImageBuildSpec(
        dockerfile=dockerfile,
        context=os.path.dirname(path) if copies else "",
        dockerfile_path=os.path.basename(path) if copies else "Dockerfile",
    )
    return EnvironmentSpec(build=build, file=reference, notes=warn_of_secrets(dockerfile, reference))


def _decode(data: bytes, file: str) -> str:
    """Give the text of a Dockerfile: an empty one would stand for a context that is not on this machine."""
    text = decode_text(data, file=file)
    if not text.strip():
        raise BadInput("the Dockerfile is empty", file=file, hint="begin it with FROM and a base image")
    return text


def warn_of_secrets(dockerfile: str, file: str) -> tuple[str, ...]:
    """Name the build arguments and variables of a Dockerfile that look like secrets: they stay in the image."""
    start = f"{file}: " if file else ""
    found = list_telling_names(dockerfile)
    return tuple(f"{start}{name} of the Dockerfile stays in the image; keep secrets out of it" for name in found)


def list_telling_names(dockerfile: str) -> list[str]:
    """List the names of ARG and ENV in a Dockerfile that secrets are called by, such as `HF_TOKEN`."""
    names: dict[str, None] = {}
    for line in dockerfile.replace("\\\n", " ").split("\n"):
        if found := _SETTING.fullmatch(line):
            names |= dict.fromkeys(_list_names(found[1].upper(), found[2].split()))
    return [name for name in names if secret_names.NAME.fullmatch(name)]


def _list_names(instruction: str, words: list[str]) -> list[str]:
    if instruction == "ENV" and words and "=" not in words[0]:  # the old form: ENV NAME and a value
        return words[:1]
    return [word.partition("=")[0] for word in words if "=" in word or instruction == "ARG"]


def read_build(node: Node, read: Callable[[str], bytes]) -> tuple[ImageBuildSpec, tuple[str, ...]]:
    """Give what `build:` of a v2 environment YAML says, and warnings.

    Raises:
        BadInput: a key is unknown, the folder is not on this machine, or the Dockerfile cannot be read.
    """
    mapping(node, ("path", "dockerfile_path"))
    if "path" not in node.data:
        raise node.refuse("expected path, the folder that the Dockerfile may copy from", hint="write path: .")
    folder = text(node.part("path"))
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", folder):
        raise node.part("path").refuse(f"{folder} is not a folder on this machine", hint=NOT_HERE)
    named = text(node.part("dockerfile_path")) if node.data.get("dockerfile_path") is not None else "Dockerfile"
    place = node.part("dockerfile_path") if "dockerfile_path" in node.data else node.part("path")
    inside = os.path.normpath(named)
    if os.path.isabs(inside) or inside.startswith(".."):
        raise place.refuse(f"{named} lies outside of the build context {folder}", hint="put it into that folder")
    data, shown = read_beside(place, os.path.join(folder, inside), read)
    dockerfile = _decode(data, shown)
    context = os.path.normpath(os.path.join(os.path.dirname(node.path_of_file), folder))
    build = ImageBuildSpec(dockerfile=dockerfile, context=context, dockerfile_path=inside)
    return build, tuple(note(node, line) for line in warn_of_secrets(dockerfile, ""))


def read_docker_section(
    docker: Mapping[str, Any], *, file: str, directory: str, read: Callable[[str], bytes] | None
) -> dict[str, Any]:
    """Give the fields of `EnvironmentSpec` that the docker section of a v1 document fills.

    Of a build context that is not on this machine, only its place is known: its Dockerfile is empty.

    Raises:
        BadInput: its build context holds no Dockerfile that can be read.
    """
    registry = docker.get("baseImageRegistry") or {}
    address = clean_address(registry.get("address"))
    image = docker.get("baseImage") or ""
    image = (image[0] if image else "") if isinstance(image, list | tuple) else image
    fields: dict[str, Any] = {"image": name_image(image, address), "platform": _read_platform(docker)}
    if docker.get("baseDockerfile"):
        fields |= {"build": ImageBuildSpec(dockerfile=docker["baseDockerfile"]), "image": ""}
    elif context := docker.get("buildContext"):
        fields |= {"build": _read_context(context, file=file, directory=directory, read=read), "image": ""}
    if address or registry.get("username"):
        password = registry.get("password") or ""
        fields["registry"] = RegistrySpec(
            address=address,
            username=registry.get("username") or "",
            password=password if find_reference(password) or not password else f"${{{name_password(address)}}}",
        )
    return fields


def clean_address(address: str | None) -> str:
    """Give the address of a registry as host and port."""
    return re.sub(r"^https?://", "", address or "").rstrip("/")


def name_password(owner: str | None) -> str:
    """Give the environment variable that is asked for a registry's password where a file may not hold it."""
    return "PASSWORD_OF_" + (re.sub(r"[^A-Za-z0-9]+", "_", str(owner or "")).strip("_").upper() or "REGISTRY")


def name_image(image: str, address: str) -> str:
    """Give an image's reference with the address of its registry in front."""
    if not image or not address or image.startswith(f"{address}/"):
        return image.lstrip("/")
    return f"{address}/{image.lstrip('/')}"


def _read_platform(docker: Mapping[str, Any]) -> str:
    platform = docker.get("platform") or {}
    system, machine = str(platform.get("os") or "linux").lower(), str(platform.get("architecture") or "").lower()
    # amd64 is what azureml-core writes when nobody asked for a platform.
    return f"{system}/{machine}" if (system, machine) not in {("linux", "amd64"), ("linux", "")} else ""


def _read_context(
    context: Mapping[str, Any], *, file: str, directory: str, read: Callable[[str], bytes] | None
) -> ImageBuildSpec:
    location = str(context.get("location") or "")
    location = unquote(location.removeprefix("file://")) if location.startswith("file://") else location
    if not location or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|git@", location) or read is None:
        named = str(context.get("dockerfilePath") or "Dockerfile")
        return ImageBuildSpec(context=location or "without a location", dockerfile_path=named)
    folder = os.path.normpath(os.path.join(directory or os.getcwd(), location))
    named = os.path.normpath(str(context.get("dockerfilePath") or "Dockerfile"))
    if os.path.isabs(named) or named.startswith(".."):
        message = f"{named} lies outside of the build context {folder}"
        raise BadInput(message, file=file, key="docker.buildContext.dockerfilePath", hint="put it into that folder")
    path = os.path.join(folder, named)
    data = read_referenced(path, read=read, shown=path, file=file, key="docker.buildContext")
    return ImageBuildSpec(dockerfile=_decode(data, path), context=folder, dockerfile_path=named)


def read_spark(spark: Mapping[str, Any]) -> SparkSpec | None:
    """Give the Spark section; None when it names no package."""
    packages = tuple(
        ":".join(str(package.get(key) or "") for key in ("group", "artifact", "version"))
        for package in spark.get("packages") or ()
    )
    if not packages:
        return None
    return SparkSpec(
        repositories=tuple(map(str, spark.get("repositories") or ())),
        packages=packages,
        precached=bool(spark.get("precachePackages", True)),
    )

"""`localrun image`: the images that localrun made, here and in a registry."""

from __future__ import annotations

import os

import click

from localrun.adapters.containers import find_image, list_images
from localrun.adapters.engine_errors import EngineRefused
from localrun.adapters.files import Reading
from localrun.adapters.image_facts import EngineFacts, open_engine
from localrun.cli import show
from localrun.cli.arguments import FORMAT
from localrun.environments.image_labels import FINGERPRINT
from localrun.errors import BadInput, LocalrunError
from localrun.escaping import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from localrun.adapters.containers import ImageFacts
    from localrun.adapters.engine import Engine
    from localrun.spec import EnvironmentSpec

_REGISTRY = click.option(
    "--registry", default="", metavar="HOST[:PORT][/PREFIX]", help="The registry [default: the project's]."
)
_QUIET = click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
_LABELS = ("fingerprint", "python", "base", "lock_sha256", "definition", "version")
MEGABYTE = 1e6
_NO_NAME = 400
"""The status with which an engine refuses what cannot be the name of an image."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def image() -> None:
    """List, push and pull the images that environments were made into.

    The project's registry is registry in [tool.localrun] of pyproject.toml, or LOCALRUN_REGISTRY. Accounts are those
    of docker login.
    """


@image.command("list")
@click.option("-q", "--quiet", is_flag=True, help="Only the names.")
@FORMAT
def list_all(*, quiet: bool, form: str) -> None:
    """List the images that localrun made, newest first."""
    engine = open_engine(os.environ)
    found = [describe_row(item) for item in list_made(engine)]
    if quiet:
        show.write("".join(f"{escape(row['name'] or row['image'])}\n" for row in found))
        return
    names = name_environments(engine, (row["name"] for row in found))
    rows = [row | {"environments": names.get(row["name"], [])} for row in found]
    if form == "json":
        show.write(show.documents(rows))
        return
    show.write(
        show.table([
            ("IMAGE", *[row["name"] or "<none>" for row in rows]),
            ("ID", *[_shorten(row["image"]) for row in rows]),
            ("SIZE", *[f"{row['size_bytes'] / MEGABYTE:.1f} MB" for row in rows]),
            ("CREATED (UTC)", *[row["created_at"][:19].replace("T", " ") for row in rows]),
            ("BASE", *[", ".join(map(_shorten, row["base"].split(","))) for row in rows]),
            ("ENVIRONMENTS", *[", ".join(row["environments"]) for row in rows]),
        ])
    )  # fmt: skip


def _shorten(name: str) -> str:
    """Give the first digits of an id; any other name as it is."""
    return name[7:19] if name.startswith("sha256:") else name


def list_made(engine: Engine) -> list[dict[str, Any]]:
    """Give what the engine tells of each image that localrun made, newest first."""
    return sorted(list_images(engine, label=FINGERPRINT), key=lambda item: (-int(item["Created"]), item["Id"]))


def describe_row(item: dict[str, Any]) -> dict[str, Any]:
    """Give one image as `image list --format json` has it, but for the environments."""
    import datetime as dt

    names = [name for name in item.get("RepoTags") or () if name != "<none>:<none>"]
    created = dt.datetime.fromtimestamp(int(item["Created"]), dt.timezone.utc)
    return {
        "name": _own_name(names),
        "image": item["Id"],
        "names": names,
        "digests": [name for name in item.get("RepoDigests") or () if name != "<none>@<none>"],
        "size_bytes": int(item.get("Size") or 0),
        "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **_describe_labels(item.get("Labels") or {}),
    }


def _own_name(names: Sequence[str]) -> str:
    """Give the name that localrun calls an image by: without a registry, and without `latest`."""
    own = [name for name in names if name.startswith("azureml/azureml_")]
    return (*own, *names, "")[0].removesuffix(":latest")


def name_environments(engine: Engine, names: Iterable[str]) -> dict[str, list[str]]:
    """Give for each image name the registered environments (`NAME:VERSION`, the latest ones) that it is for.

    One that cannot be planned here, because a file of it is missing, is for none.
    """
    import json

    from localrun.workspace import registry
    from localrun.workspace.home import open_home

    wanted = set(names) - {""}
    found: dict[str, list[str]] = {}
    known, planned = EngineFacts(engine), dict[str, str]()
    for name, document in registry.documents(open_home(os.environ)).items() if wanted else ():
        definition = json.dumps({key: document[key] for key in document if key not in {"name", "version"}})
        if definition not in planned:  # many names may stand for one
            planned[definition] = _plan_registered(known, document)
        if planned[definition] in wanted:
            found.setdefault(planned[definition], []).append(f"{name}:{document['version']}")
    return found


def _plan_registered(known: EngineFacts, document: dict[str, Any]) -> str:
    from localrun.formats.environment import read_registered

    try:
        return _plan_name(read_registered(document["name"], lambda _: document, Reading().read), known)
    except (LocalrunError, OSError):
        return ""


def plan_image_name(engine: Engine, reference: str) -> str:
    """Give the name of the image of an environment; empty when its base image is not in the engine.

    Args:
        engine: Asked for what the base image stands for now.
        reference: All that -E of `run` takes.

    Raises:
        LocalrunError: there is no such environment, or it has no image.
    """
    from localrun.cli.flags import Flags
    from localrun.cli.request import read_request

    spec = read_request(Flags(command="true", environment=reference, target="docker"), Reading())
    assert spec.environment is not None  # noqa: S101 - the flags name one
    return _plan_name(spec.environment, EngineFacts(engine))


def _plan_name(environment: EnvironmentSpec, known: EngineFacts) -> str:
    from localrun.adapters.host import probe_host
    from localrun.resolve import plan_environment
    from localrun.resolve.image import list_bases, settle_image
    from localrun.spec import RunSpec

    spec = RunSpec(command="true", environment=environment, target="docker")
    plan = plan_environment(spec, probe_host(spec, os.environ, Reading(), known), target="docker")
    if plan.image is None:
        return ""
    settled = settle_image(plan, {base: known.get_id(base) for base in list_bases(plan.image)}).image
    return settled.name if settled else ""


def _look_for(engine: Engine, name: str) -> ImageFacts | None:
    """Give what the engine knows of an image; None when it has no such image, or this is no name of one."""
    try:
        return find_image(engine, name)
    except EngineRefused as error:
        if error.status != _NO_NAME:
            raise
        return None


@image.command()
@click.argument("name", metavar="NAME|ID|REF")
@FORMAT
def inspect(name: str, form: str) -> None:
    """Show an image: of a name, an id, or an environment."""
    engine = open_engine(os.environ)
    facts = find_meant(engine, name)
    own = _own_name(facts.names)
    details = describe_image(facts) | {"environments": name_environments(engine, [own]).get(own, [])}
    if form == "json":
        show.write(show.document(details))
        return
    rows = [(key, _flatten(item)) for key, item in details.items() if item not in ("", (), [])]
    show.write("".join(f"{key + ':':<16}{escape(text)}\n" for key, text in rows))


def _flatten(item: object) -> str:
    return ", ".join(map(str, item)) if isinstance(item, list | tuple) else str(item)


def find_meant(engine: Engine, name: str) -> ImageFacts:
    """Give what the engine knows of the image that a name, an id or an environment means.

    Raises:
        ImageFailed: it is not in the engine.
    """
    from localrun.adapters.docker_errors import ImageFailed

    short = name.startswith("azureml_") and "/" not in name
    found = _look_for(engine, name) or (_look_for(engine, f"azureml/{name}") if short else None)
    if found:
        return found
    message = f"the engine has no image {name}, and there is no environment {name} with one"
    try:
        planned = plan_image_name(engine, name)
        message = f"the image of {name} is not in the engine: its base image is not there either"
    except LocalrunError:
        planned = ""
    if planned:
        found = _look_for(engine, planned)
        message = f"the image of {name}, {planned}, is not in the engine"
    if found:
        return found
    hint = "localrun image list shows those there; a run with -t docker makes that of an environment"
    raise ImageFailed(message, hint=hint, code="image_not_found")


def describe_image(facts: ImageFacts) -> dict[str, object]:
    """Give one image as `image inspect --format json` has it, but for the environments."""
    return {
        "name": _own_name(facts.names),
        "image": facts.id,
        "names": facts.names,
        "digests": facts.digests,
        "size_bytes": facts.size_bytes,
        "created_at": facts.created[:19] + "Z",
        "platform": facts.platform,
        "conda_path": facts.variables.get("AZUREML_CONDA_ENVIRONMENT_PATH", ""),
        **_describe_labels(facts.labels),
        "layers": len(facts.layers),
    }


def _describe_labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: labels.get(f"localrun.{name}", "") for name in _LABELS}


def choose_registry(given: str) -> str:
    """Give the registry that is meant: as given, else the project's.

    Raises:
        BadInput: none is.
    """
    from localrun.adapters.tool_settings import read_tool_settings

    registry = given or read_tool_settings(os.getcwd(), os.environ).registry
    if not registry:
        hint = 'give --registry HOST:PORT, set LOCALRUN_REGISTRY, or write registry = "HOST:PORT" below [tool.localrun]'
        raise BadInput("no registry is named", key="--registry", hint=f"{hint} in pyproject.toml")
    return registry


@image.command()
@click.argument("name", metavar="NAME|ID|REF")
@_REGISTRY
@FORMAT
@_QUIET
def push(*, name: str, registry: str, form: str, quiet: bool) -> None:
    """Send an image to a registry.

    One of a name, an id, or an environment. Prints what it is called there, with its digest.
    """
    from localrun.adapters.docker_publish import find_account, publish_image
    from localrun.cli.progress import show_progress
    from localrun.environments.settings import make_tell

    address = choose_registry(registry)
    credentials = find_account(address, os.environ)
    engine = open_engine(os.environ)
    found = find_meant(engine, name)
    called = _own_name(found.names) or name
    with show_progress(quiet=quiet) as report:
        made = publish_image(engine, found.id, address, name=called, credentials=credentials, report=make_tell(report))
    _write_reference(made.reference, made.digest, form)


@image.command()
@click.argument("name", metavar="NAME|REF")
@_REGISTRY
@FORMAT
@_QUIET
def pull(*, name: str, registry: str, form: str, quiet: bool) -> None:
    """Fetch an image from a registry.

    One that localrun made, by its name (azureml/azureml_...) or its environment. Prints its name here.
    """
    from localrun.adapters.docker_errors import HINTS, ImageFailed
    from localrun.adapters.docker_publish import fetch_image, find_account
    from localrun.cli.progress import show_progress
    from localrun.environments.settings import make_tell

    address = choose_registry(registry)
    credentials = find_account(address, os.environ)
    engine = open_engine(os.environ)
    wanted = _read_own_name(engine, name)
    with show_progress(quiet=quiet) as report:
        found = fetch_image(engine, wanted, address, credentials=credentials, report=make_tell(report))
    if found is None:
        raise ImageFailed(f"{address} has no image {wanted}", hint=HINTS["image_not_found"], code="image_not_found")
    _write_reference(wanted, found.digest, form)


def _read_own_name(engine: Engine, name: str) -> str:
    """Give the name of the image that is meant: a name of localrun's as it is, else that of an environment.

    Raises:
        LocalrunError: there is no such environment, or its base image is not here.
    """
    if name.startswith(("azureml/azureml_", "azureml_")):
        return name if "/" in name else f"azureml/{name}"
    planned = plan_image_name(engine, name)
    if not planned:
        message = f"the image of {name} has no name yet: its base image is not in the engine"
        raise BadInput(message, hint="pull the base image first (docker pull), or name azureml/azureml_... itself")
    return planned


def _write_reference(reference: str, digest: str, form: str) -> None:
    if form == "json":
        show.write(show.document({"reference": reference, "digest": digest}))
        return
    show.write(f"{escape(reference)}@{escape(digest)}\n")

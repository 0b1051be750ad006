"""`localrun environment`: registered and curated environments, and those in folders."""

from __future__ import annotations

import contextlib
import os

import click

from localrun.cli import show
from localrun.cli.arguments import FORMAT
from localrun.errors import BadInput, LocalrunError
from localrun.escaping import escape
from localrun.workspace.home import open_home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DIRECTORY = click.option("-d", "--directory", required=True, metavar="DIR", help="The folder.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def environment() -> None:
    """Make, register, list and build environments. `env` is short for it.

    REF is NAME, NAME:VERSION or NAME@LABEL, with or without azureml: in front.
    """


@environment.command()
@click.option("-n", "--name", required=True, metavar="NAME", help="The environment's name.")
@_DIRECTORY
def scaffold(name: str, directory: str) -> None:
    """Write a default environment into a folder.

    DIR must be new; its files are made to be edited, and registered with `register`.
    """
    from localrun.api.environment import Environment
    from localrun.workspace.registry import check_name

    made = Environment(check_name(name))
    _refuse_existing(directory, "name a new folder")
    made.save_to_directory(directory)
    show.write(f"{escape(directory)}\n")


def _refuse_existing(directory: str, hint: str) -> None:
    if os.path.lexists(directory):
        raise BadInput("it is there already", file=directory, hint=hint)


@environment.command()
@_DIRECTORY
@click.option("-n", "--name", default="", metavar="NAME", help="Register it under this name [default: its own].")
@click.option("--version", default="", metavar="VERSION", help="Give it this version [default: the next].")
@FORMAT
def register(directory: str, name: str, version: str, form: str) -> None:
    """Register the environment of a folder, of Azure ML v1 or with an environment.yml.

    An unchanged definition is the version that exists, a changed one the next. Prints NAME:VERSION.
    """
    from localrun import catalogue
    from localrun.workspace import registry

    document = read_directory(directory)
    document["name"] = name or document.get("name")
    if not document["name"]:
        raise BadInput("the environment has no name", file=directory, hint="give it one: -n NAME")
    home = open_home(os.environ)
    catalogue.refuse_reserved(home, document, registering=True)
    made = registry.register(home, document["name"], document, version=version)  # a version in the file is an old one
    if form == "json":
        from localrun.values import plain

        show.write(show.document(plain(made)))
    else:
        show.write(f"{made.name}:{made.version}\n")


def read_directory(directory: str) -> dict[str, Any]:
    """Give the document of the environment that a folder holds; what its reader has to say is told.

    Raises:
        BadInput: a file cannot be used.
    """
    from localrun.adapters.files import Reading
    from localrun.formats.environment import read_environment
    from localrun.formats.environment_document import document_of_spec
    from localrun.formats.gate import read_referenced
    from localrun.formats.v1_environment import FILES, read_environment_files

    reading = Reading()
    paths = {name: os.path.join(directory, name) for name in FILES if os.path.lexists(os.path.join(directory, name))}
    if paths or not os.path.isdir(directory):
        files = {
            name: read_referenced(os.path.abspath(path), read=reading.read, shown=path) for name, path in paths.items()
        }
        document, warnings = read_environment_files(files, where=directory)
    else:
        where = os.path.join(directory, "")
        spec = read_environment(where, read=reading.read, is_directory=lambda path: reading.look(path) == "folder")
        document, warnings = document_of_spec(spec), spec.notes
    for line in warnings:
        show.tell(line)
    return document


@environment.command("show")
@click.argument("reference", metavar="REF")
def show_one(reference: str) -> None:
    """Print a definition as JSON."""
    show.write(show.document(find(open_home(os.environ), reference)))


def find(home: str, reference: str) -> dict[str, Any]:
    """Give the document of the environment that a reference means.

    Raises:
        EnvironmentNotFound: there is none.
        BadInput: it is no reference.
    """
    from localrun.catalogue.lookup import find_registered
    from localrun.workspace import registry

    document = find_registered(home, reference)
    if document is None:
        raise registry.not_found(home, reference.removeprefix("azureml:"))
    return document


@environment.command()
@click.option("-n", "--name", required=True, metavar="REF", help="The environment.")
@_DIRECTORY
@click.option("--version", default="", metavar="VERSION", help="Its version [default: the latest].")
@click.option("--overwrite", is_flag=True, help="Replace the files of an environment that is there.")
def download(*, name: str, directory: str, version: str, overwrite: bool) -> None:
    """Write an environment into a folder."""
    from localrun.api.environment import Environment

    document = find(open_home(os.environ), f"{name}:{version}" if version else name)
    if not overwrite:
        _refuse_existing(directory, "give --overwrite to replace the environment in it, or name another folder")
    Environment.from_document(document).save_to_directory(directory, overwrite=overwrite)
    show.write(f"{escape(directory)}\n")


@environment.command()
@click.argument("before", metavar="REF")
@click.argument("after", metavar="REF")
@FORMAT
def diff(before: str, after: str, form: str) -> None:
    """Show what differs between two.

    Field by field, and whether the conda environment and the image would be made again. A folder may stand
    for a REF.
    """
    from localrun.cli.environment_diff import compare, describe

    home = open_home(os.environ)
    found = compare(find_or_read(home, before), find_or_read(home, after))
    show.write(show.document(found) if form == "json" else describe(found))


def find_or_read(home: str, reference: str) -> dict[str, Any]:
    """Give the document of a reference, or of a folder; what is registered comes before a folder of that very name."""
    if not os.path.isdir(reference):
        return find(home, reference)
    if "/" not in reference and reference != ".":
        with contextlib.suppress(LocalrunError):
            return find(home, reference)
    document = read_directory(reference)
    return document | {"name": document.get("name") or reference}


@environment.command()
@click.argument("reference", metavar="[REF]", required=False, default="")
@click.option("-t", "--target", type=click.Choice(["local", "docker"]), help="A conda environment, or an image.")
@click.option("--offline", is_flag=True, help="Make it from caches and local files only.")
@click.option("--rebuild", is_flag=True, help="Make it anew although it is there, with the versions of today.")
@click.option("--lock", default="", metavar="FILE", help="Take the packages of a conda-lock.yml.")
@click.option("--vendored", default="", metavar="DIR", help="Take packages from a folder of `vendor`, no network.")
@click.option("--as-of", default="", metavar="DATE", help="Solve with the packages of that day, such as 2024-03-01.")
@click.option("--push", is_flag=True, help="Send the image to the project's registry.")
@click.option("--platform", default="", metavar="OS/MACHINE", help="The platform of the image, such as linux/arm64.")
@click.option("--keep", is_flag=True, help="Keep the container of a failed build, to look into.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def build(reference: str, **given: Any) -> None:
    """Make the conda environment, or the image.

    Of REF, or of all that -E of `run` takes; of the lock in the folder with --vendored alone. Prints its prefix, or
    the name of the image.
    """
    from localrun.cli.environment_build import build_environment
    from localrun.cli.environment_request import Wanted

    given["target"] = given["target"] or ""
    show.write(f"{escape(build_environment(reference, Wanted(**given)))}\n")


@environment.command()
@click.option("-E", "--environment", "reference", default="environment.yml", show_default=True, metavar="REF")
@click.option(
    "--platform", "platforms", multiple=True, metavar="SUBDIR", help="linux-64, osx-arm64 … [default: this machine's]."
)
@click.option("-o", "--output", default="conda-lock.yml", show_default=True, metavar="FILE", help="The lock file.")
@click.option("--as-of", default="", metavar="DATE", help="Solve with the packages of that day, such as 2024-03-01.")
@click.option("--offline", is_flag=True, help="Solve from caches and local files only.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def lock(**given: Any) -> None:
    """Write a conda-lock.yml: every package with its address and hash.

    For one platform or several, the pip part as well. -E conda-lock.yml then runs in just these packages.
    """
    from localrun.cli.environment_lock import Locking, lock_environment

    show.write(f"{escape(lock_environment(Locking(**given)))}\n")


@environment.command()
@click.argument("reference", default="environment.yml", metavar="[REF]")
@click.option("-t", "--target", type=click.Choice(["local", "docker"]), help="A conda environment, or an image.")
@click.option("--offline", is_flag=True, help="Solve from caches and local files only.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@FORMAT
def outdated(*, reference: str, target: str | None, offline: bool, quiet: bool, form: str) -> None:
    """Show what a rebuild would bring.

    Packages that are added, removed or replaced by `build --rebuild` of REF [default: environment.yml], and which
    registered environments share them. Nothing is changed.
    """
    from localrun.cli.environment_outdated import describe, find_outdated

    found = find_outdated(reference, target=target or "", offline=offline, quiet=quiet or form == "json")
    show.write(show.document(found) if form == "json" else "".join(f"{line}\n" for line in describe(found)))


@environment.command()
@click.argument("directory", metavar="DIR")
@click.option("--lock", "file", default="conda-lock.yml", show_default=True, metavar="FILE", help="The lock file.")
@click.option(
    "--platform", "platforms", multiple=True, metavar="SUBDIR", help="Of these only [default: all of the lock]."
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def vendor(*, directory: str, file: str, platforms: tuple[str, ...], quiet: bool) -> None:
    """Collect every package of a lock in a folder.

    A machine without a network builds from it: `localrun env build --vendored DIR`.
    """
    from localrun.cli.environment_vendor import vendor_lock

    show.write(f"{escape(vendor_lock(file, directory, platforms, quiet=quiet))}\n")


@environment.command("import")
@click.option("--conda-env", "conda", required=True, metavar="NAME|PREFIX", help="An existing conda environment.")
@click.option("-n", "--name", default="", metavar="NAME", help="The environment's name [default: the conda one's].")
@click.option("-d", "--directory", default="", metavar="DIR", help="Write its files there instead of registering it.")
def import_one(conda: str, name: str, directory: str) -> None:
    """Register a conda environment.

    Its packages and channels are read from its own metadata, without conda. Prints NAME:VERSION, or DIR.
    """
    from localrun import catalogue
    from localrun.adapters.conda_prefix import conda_mapping, read_conda_prefix
    from localrun.api.environment import Environment
    from localrun.workspace import registry

    found = read_conda_prefix(conda, os.environ, os.path.expanduser("~"))
    document = Environment(registry.check_name(name or found.name)).to_document()
    document["python"]["condaDependencies"] = conda_mapping(found)
    if directory:
        _refuse_existing(directory, "name a new folder")
        Environment.from_document(document).save_to_directory(directory)
        show.write(f"{escape(directory)}\n")
        return
    home = open_home(os.environ)
    catalogue.refuse_reserved(home, document, registering=True)
    made = registry.register(home, document["name"], document)
    show.write(f"{made.name}:{made.version}\n")


@environment.command("list")
@click.option("--curated", is_flag=True, help="The curated ones as well.")
@FORMAT
def list_all(*, curated: bool, form: str) -> None:
    """List the registered environments."""
    from localrun.workspace import registry

    home = open_home(os.environ)
    rows: list[tuple[str, str, int, str]] = registry.names(home)
    if curated:
        from localrun import catalogue

        known = [(name, catalogue.versions(home, name)) for name in catalogue.names(home)]
        rows += [(name, versions[-1], len(versions), "") for name, versions in known if versions]
    if form == "json":
        keys = ("name", "version", "versions", "registered_at")
        show.write(show.flat_documents(keys, rows))
        return
    names, latest, counts, times = list(zip(*rows, strict=True)) or [()] * 4
    show.write(
        show.table([
            ("NAME", *names),
            ("LATEST", *latest),
            ("VERSIONS", *map(str, counts)),
            ("REGISTERED (UTC)", *[time[:19].replace("T", " ") for time in times]),
        ])
    )  # fmt: skip


@environment.command()
@click.argument("name")
@FORMAT
def versions(name: str, form: str) -> None:
    """List versions, newest first."""
    from localrun.workspace import registry

    rows = registry.version_rows(open_home(os.environ), name)
    if form == "json":
        keys = ("name", "version", "registered_at", "labels", "digest")
        show.write(show.flat_documents(keys, [(name, *row) for row in rows]))
        return
    found, times, labels, digests = zip(*rows, strict=True)
    show.write(
        show.table([
            ("VERSION", *found),
            ("REGISTERED (UTC)", *[time[:19].replace("T", " ") for time in times]),
            ("LABELS", *map(",".join, labels)),
            ("DEFINITION", *[digest[:12] for digest in digests]),
        ])
    )  # fmt: skip


@environment.command()
@click.argument("names", nargs=-1, metavar="[CACHED]...")
def verify(names: tuple[str, ...]) -> int:
    """Compare cached environments with what was made.

    CACHED is azureml_...; without one, all are looked at. The exit code is 1 on a difference, else 0. `localrun env
    build --rebuild REF` makes one anew.
    """
    from localrun.environments.verify import find_differences, list_environments

    home = open_home(os.environ)
    made = list_environments(home)
    if unknown := [name for name in names if name not in made]:
        raise BadInput(f"there is no cached environment {unknown[0]}", hint="localrun env verify looks at all of them")
    differ = False
    for name in names or made:
        lines = find_differences(home, name)
        differ = differ or bool(lines)
        show.write(f"{name}  {f'{len(lines)} files differ' if lines else 'whole'}\n")
        show.write("".join(f"  {escape(line)}\n" for line in lines))
    return 1 if differ else 0

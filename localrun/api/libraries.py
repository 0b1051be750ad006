"""Single packages, as the sections for Spark, Databricks and R list them."""

from __future__ import annotations

from typing import ClassVar

from localrun.api.fields import Section


class SparkPackage(Section):
    """A Maven package for Spark."""

    KEYS: ClassVar = {"group": "group", "artifact": "artifact", "version": "version"}

    group: str | None
    artifact: str | None
    version: str | None

    def __init__(self, group: str | None = None, artifact: str | None = None, version: str | None = None) -> None:
        super().__init__()
        self.group = group
        self.artifact = artifact
        self.version = version


class MavenLibrary(Section):
    """A Maven library for Databricks."""

    KEYS: ClassVar = {"coordinates": "coordinates", "repo": "repo", "exclusions": "exclusions"}

    coordinates: str
    repo: str
    exclusions: list[str]

    def __init__(
        self, coordinates: str | None = None, repo: str | None = None, exclusions: list[str] | None = None
    ) -> None:
        super().__init__()
        self.coordinates = coordinates or ""
        self.repo = repo or ""
        self.exclusions = list(exclusions or ())


class PyPiLibrary(Section):
    """A Python library for Databricks."""

    KEYS: ClassVar = {"package": "package", "repo": "repo"}

    package: str
    repo: str

    def __init__(self, package: str | None = None, repo: str | None = None) -> None:
        super().__init__()
        self.package = package or ""
        self.repo = repo or ""


class RCranLibrary(PyPiLibrary):
    """An R library for Databricks."""


class JarLibrary(Section):
    """A Java library for Databricks."""

    KEYS: ClassVar = {"library": "library"}

    library: str

    def __init__(self, library: str | None = None) -> None:
        super().__init__()
        self.library = library or ""


class EggLibrary(JarLibrary):
    """A Python egg for Databricks."""


class RCranPackage(Section):
    """An R package of CRAN."""

    KEYS: ClassVar = {"name": "name", "version": "version", "repository": "repository"}

    name: str | None
    version: str | None
    repository: str | None

    def __init__(self) -> None:
        super().__init__()
        self.name = None
        self.version = None
        self.repository = None


class RGitHubPackage(Section):
    """An R package of a GitHub repository; a token is written as `${NAME}`, never in clear."""

    KEYS: ClassVar = {"repository": "repository", "auth_token": "authToken"}

    repository: str | None
    auth_token: str | None

    def __init__(self) -> None:
        super().__init__()
        self.repository = None
        self.auth_token = None

    def _shown(self, name: str) -> str:
        return "'***'" if name == "auth_token" and self.auth_token else super()._shown(name)

"""Where an image comes from, and who may fetch it."""

from __future__ import annotations

from typing import ClassVar

from localrun.api.fields import Section


class RegistryIdentity(Section):
    """A managed identity that opens a registry in the cloud; kept in files, of no use here."""

    KEYS: ClassVar = {"resource_id": "resourceId", "client_id": "clientId"}

    resource_id: str | None
    client_id: str | None

    def __init__(self) -> None:
        super().__init__()
        self.resource_id = None
        self.client_id = None


class ContainerRegistry(Section):
    """A registry that images are pulled from.

    Better than the original: a password is never written in clear. Where one is set, the file gets `${NAME}`, and the
    environment variable NAME is asked for it when an image is pulled; such a reference may also be set here.

    Attributes:
        address: Its host, such as `myregistry.example.org`; None: that of the image's own name.
        username: Who pulls; None: anybody.
        password: The password itself, or `${NAME}`.
        registry_identity: A managed identity of the cloud, or None.
    """

    KEYS: ClassVar = {
        "address": "address",
        "username": "username",
        "password": "password",
        "registry_identity": "registryIdentity",
    }
    PARTS: ClassVar = {"registry_identity": RegistryIdentity}

    address: str | None
    username: str | None
    password: str | None
    registry_identity: RegistryIdentity | None

    def __init__(self) -> None:
        super().__init__()
        self.address = None
        self.username = None
        self.password = None
        self.registry_identity = None

    def _shown(self, name: str) -> str:
        return "'***'" if name == "password" and self.password else super()._shown(name)

"""How a plan's image and containers are printed."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import Artifact, ContainerPlan, EnvironmentPlan, ImagePlan

UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def describe_image(
    environment: EnvironmentPlan, artifact: Artifact | None, reasons: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Give the rows about the image that containers run.

    Args:
        environment: The plan of the image.
        artifact: The image when it is there; None when it has to be built or fetched.
        reasons: Why it is there or not, as its builder says, one line each.
    """
    image = environment.image
    assert image is not None  # noqa: S101 - the caller has looked
    made = not image.base or image.name != image.base
    state = artifact.image if artifact else "to be built" if made else "not in the engine yet"
    name = image.name or "named when its base image is known"
    rows = [("image", name if reasons else f"{name} ({state})"), *(("", reason) for reason in reasons)]
    if made:
        rows.append(("", f"fingerprint {image.fingerprint}" if image.fingerprint else ""))
        rows += [("", line) for line in _describe_origin(image)]
    rows.append(("", f"platform {image.platform}, images are fetched {_FETCHED[image.pull]}"))
    if image.prefix:
        rows.append(("", f"conda environment in {image.prefix}"))
    if environment.interpreter:
        rows.append(("", f"interpreter {environment.interpreter}"))
    rows += [("", line) for line in image.spark]
    if image.registry:
        user = f" as {image.username}" if image.username else ""
        rows.append(("", f"registry {image.registry}{user}"))
    return [row for row in rows if row[1]]


_FETCHED = {"missing": "when they are missing", "always": "each time", "never": "never"}


def _describe_origin(image: ImagePlan) -> list[str]:
    if image.base:
        return [f"made from {image.base} ({image.base_id or 'not in the engine yet'})"]
    if image.context:
        return [f"made from {image.dockerfile_path} in {image.context}"]
    return [f"made from a Dockerfile of {len(image.dockerfile.splitlines())} lines"]


def describe_containers(container: ContainerPlan, nodes: int) -> list[tuple[str, str]]:
    """Give the rows about how containers are made."""
    words = [
        f"user {container.user or 'of the image'}",
        f"shared memory {show_size(container.shm_bytes)}",
        f"memory {show_size(container.memory_bytes)}" if container.memory_bytes else "",
        f"{container.nano_cpus / 10**9:g} processors" if container.nano_cpus else "",
        f"network {container.network or ('of the run' if nodes > 1 else 'of the engine')}",
        f"gpus {container.gpus}" if container.gpus else "",
        f"in {container.working_directory}" if container.working_directory else "",
        "kept after the run" if container.keep else "",
        "with network settings of this machine" if container.inherit_network_settings else "",
    ]
    rows = [("containers", f"{nodes}: {', '.join(filter(None, words))}")]
    rows += [("mount", mount) for mount in container.mounts]
    rows += [("port", port) for port in container.ports]
    return rows + [("setting", f"{name} = {text}") for name, text in container.options]


def show_size(count: int) -> str:
    """Give a number of bytes in a unit that keeps it short, such as `2 GiB`."""
    for size, name in UNITS:
        if count >= size:
            return f"{round(count / size, 2):g} {name}"
    return f"{count} bytes"

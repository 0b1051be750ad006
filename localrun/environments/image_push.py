"""An image that was made, sent to the project's registry."""

from __future__ import annotations

from localrun.adapters.docker_publish import find_account, publish_image
from localrun.adapters.image_facts import open_engine
from localrun.environments.settings import make_tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localrun.environments.settings import Progress
    from localrun.plan import Artifact, ImagePlan


def push_made(
    image: ImagePlan, made: Artifact, registry: str, environ: Mapping[str, str], report: Callable[[Progress], None]
) -> str:
    """Send an image to a registry and give what it is called there.

    Args:
        image: The plan that it was made from; it has its name.
        made: The image.
        registry: `host[:port][/prefix]`.
        environ: The caller's environment variables; they say which engine, and where docker's settings are.
        report: Told how it goes on.

    Raises:
        ImageFailed: it did not get there; it is still in the engine.
    """
    engine = open_engine(environ)
    try:
        account = find_account(registry, environ)
        sent = publish_image(
            engine, made.image, registry, name=image.name, credentials=account, report=make_tell(report)
        )
    finally:
        engine.close()
    return sent.reference

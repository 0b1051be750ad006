"""What to tell the user when the engine refuses to start a container."""

from __future__ import annotations

from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.adapters.engine import Engine
    from localrun.adapters.engine_errors import EngineRefused


def explain_refusal(engine: Engine, error: EngineRefused) -> LocalrunError:
    """Give the error for a container that could not be started."""
    reason = error.reason
    if "port is already allocated" in reason or "address already in use" in reason:
        return _explain_port(engine, reason)
    if '"/bin/sh"' in reason:
        message = "the image has no shell, /bin/sh, which starts the ranks in it"
        return LocalrunError(message, hint="use an image that has one", code="no_shell")
    if "could not select device driver" in reason:
        message = f"the engine has no graphics processors for containers: {reason}"
        hint = "install the NVIDIA container toolkit on the engine's machine, or leave --gpus out"
        return LocalrunError(message, hint=hint, code="no_gpus")
    message = f"a container could not be started: {reason}"
    return LocalrunError(message, hint="see docker info, and the options of the run", code="container_not_started")


def _explain_port(engine: Engine, reason: str) -> LocalrunError:
    from localrun.adapters.engine_containers import find_publisher

    numbers = [word for word in reason.replace(":", " ").split() if word.isdigit()]
    port = next((int(word) for word in numbers if int(word) > 0), 0)
    try:
        holder = find_publisher(engine, port) if port else ""
    except LocalrunError:
        holder = ""
    who = f"by the container {holder}" if holder else "by a program on the engine's machine"
    hint = f"stop it, or publish another port (ss -ltnp shows who listens on {port})"
    return LocalrunError(f"port {port} is taken {who}", hint=hint, code="port_taken")

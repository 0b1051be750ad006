"""What can go wrong between localrun and a Docker engine.

LocalrunError
├── EngineUnavailable    docker_unavailable: no engine answers at the place that is configured, or at any
├── EngineLost           daemon_lost: the connection to an engine that had answered broke, or it fell silent
└── EngineRefused        docker_refused: the engine answered with an error; docker_too_old: it lacks what is needed
"""

from __future__ import annotations

from localrun.errors import LocalrunError

GONE, CLASH = 404, 409
"""Status of what is not there, and of what is in the way, in use or being removed already."""


class EngineUnavailable(LocalrunError):
    """No engine answers."""

    code = "docker_unavailable"


class EngineLost(LocalrunError):
    """An engine that had answered does not any more."""

    code = "daemon_lost"


class EngineRefused(LocalrunError):
    """An engine answered with an error.

    Attributes:
        status: The status of the answer, such as `GONE`.
        reason: The engine's own words.
    """

    code = "docker_refused"

    def __init__(self, message: str, *, status: int, reason: str, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint, code=code)
        self.status = status
        self.reason = reason

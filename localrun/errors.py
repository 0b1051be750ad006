"""Everything that localrun can say no to, as one tree.

    LocalrunError            code, exit 125 unless said otherwise
    ├── BadInput             bad_input: a file, a key or a flag that cannot be read as what it should be
    ├── NotRunnable          not_found (127) or cannot_invoke (126): the program or script cannot be started
    ├── EnvironmentFailed    solve, channel, build_failed, offline, installer_crashed
    ├── StoreFailed          store_full, store_read_only, store_owner, store_locks, store_corrupt
    ├── LockTimeout          lock_timeout
    ├── EnvironmentNotFound  environment_not_found: no registered or curated environment has that name or version
    ├── RunNotFound          run_not_found, run_ended, run_live
    ├── SecretFailed         secret_not_found, secrets_locked, secrets_corrupt: the store of secrets, or one in it
    ├── ImageFailed          image_not_found, image_platform, registry_…: `adapters.docker_errors`
    └── Engine…              docker_unavailable, docker_too_old, docker_refused, daemon_lost: `adapters.engine_errors`

A failing script is not an error: it is an outcome, with an exit code of its own.
"""

from __future__ import annotations


class LocalrunError(Exception):
    """Something that localrun could not do, told so that the reader can act on it.

    Attributes:
        message: What is wrong: the thing, its name and its value.
        hint: What to do next; empty when there is nothing to suggest.
        code: The stable kind, as it stands in the last line of stderr, in JSON and in the record.
        exit_code: The exit code of the command.
        detail: More lines for those who want them (a solver's words, the end of a log); may be empty.
    """

    code = "internal"
    exit_code = 125

    def __init__(self, message: str, *, hint: str = "", code: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail
        self.code = code or type(self).code


class BadInput(LocalrunError):
    """Input that cannot be used, with its place.

    Attributes:
        file: The file as the user named it; empty for a flag or a Python value.
        line: The line in that file, from 1; 0 when it has none.
        key: The key, dotted from the document's root; empty when the whole file is meant.
    """

    code = "bad_input"

    def __init__(
        self, message: str, *, file: str = "", line: int = 0, key: str = "", hint: str = "", detail: str = ""
    ) -> None:
        place = file + (f":{line}" if file and line else "")
        where = ": ".join(part for part in (place, key) if part)
        super().__init__(f"{where}: {message}" if where else message, hint=hint, detail=detail)
        self.file = file
        self.line = line
        self.key = key


NOT_FOUND = 127
"""A shell's exit code for a program that is not there."""


class NotRunnable(LocalrunError):
    """The script or program cannot be started: 127 when it is not there, 126 when it cannot be executed."""

    code = "not_found"

    def __init__(self, message: str, *, hint: str = "", exit_code: int = NOT_FOUND) -> None:
        super().__init__(message, hint=hint, code="not_found" if exit_code == NOT_FOUND else "cannot_invoke")
        self.exit_code = exit_code


class EnvironmentFailed(LocalrunError):
    """An environment could not be made; `code` says at which step."""

    code = "build_failed"


class StoreFailed(LocalrunError):
    """The workspace folder cannot be used as it is; `code` says why."""

    code = "store_full"


class LockTimeout(LocalrunError):
    """Somebody else held a lock for longer than the caller wanted to wait."""

    code = "lock_timeout"


class EnvironmentNotFound(LocalrunError):
    """No registered or curated environment has the name, version or label that was given."""

    code = "environment_not_found"


class RunNotFound(LocalrunError):
    """No run, or no such part of a run, has the name that was given."""

    code = "run_not_found"


class SecretFailed(LocalrunError):
    """A secret is not there, or the store of secrets cannot be used; `code` says which."""

    code = "secrets_corrupt"

"""What one rank of a run gets so that somebody can look into it: the user's terminal, or a debugger."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localrun.plan import Artifact, Plan
    from localrun.supervise.process import Process
    from localrun.targets.docker_looking import Looking


class Equipment:
    """The terminal and the debugger of a run that is being made.

    Attributes:
        holds: The descriptors that hold the debugger's port.
        looking: What the containers need for it; None on the local target.
    """

    def __init__(self, plan: Plan, artifact: Artifact, home: str, environ: Mapping[str, str]) -> None:
        """Get it ready.

        Raises:
            EnvironmentFailed: debugpy cannot be fetched for an image that has none.
            BadInput: a container cannot have it.
        """
        self._plan = plan
        self._artifact = artifact
        self._home = home
        self._environ = environ
        self._debugging = None
        self.holds: tuple[int, ...] = ()
        self.looking: Looking | None = None
        if plan.debug_rank >= 0:
            from localrun.inside.debugger import prepare_debugger

            self._debugging, self.holds = prepare_debugger(plan, artifact, home, environ)
        if plan.container is not None:
            from localrun.targets.docker_looking import Looking

            self.looking = Looking(plan, plan.container, self._debugging)

    def equip(self, processes: tuple[Process, ...], say: Callable[[str], None]) -> tuple[Process, ...]:
        """Give the processes with it, and say where the debugger is; those in containers have it already.

        Raises:
            EnvironmentFailed: debugpy cannot be fetched.
        """
        plan, contained = self._plan, self.looking is not None
        if plan.terminal_rank >= 0 and not contained:
            from localrun.supervise.terminal import equip

            processes = equip(plan, processes)
        if self._debugging is not None:
            from localrun.inside.debugger import add_debugger, tell_debugger

            if not contained:
                processes = add_debugger(
                    plan, processes, self._artifact.python, self._debugging, home=self._home, environ=self._environ
                )
            tell_debugger(plan, processes[plan.debug_rank], self._debugging.port, say)
        return processes

"""The place of a rank in a container when its run has ended: a new container of the image that the run had."""

from __future__ import annotations

import os

from localrun.errors import RunNotFound
from localrun.inside.containers import open_engine
from localrun.inside.place import Place, restore_directory
from localrun.plan import RUN_FOLDER, RUN_ID, ContainerPlan, name_ports
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from localrun.adapters.engine import Engine
    from localrun.plan import Artifact, Plan
    from localrun.targets.docker_place import Surroundings
    from localrun.targets.docker_script import Start

KEEPER = 'exec 3<"$0/control"; read -r _ <&3'
"""The main process of the container: it ends with the last one that holds the pipe, so nothing stays behind us."""
ENTERING = '. "$0" && cd "$directory" && unset OLDPWD && exec "$@"'
"""What becomes the command: the piece of shell sets its variables and its words."""


class Afterwards:
    """A container to look around in, in the place of one rank of a run that has ended.

    Attributes:
        place: Where the rank was; its variables are those that are not stored anywhere.
    """

    def __init__(self, record: Mapping[str, Any], rank: int, home: str, environ: Mapping[str, str]) -> None:
        """Put together what is known of it; nothing is made yet.

        Args:
            record: The run's record.
            rank: The rank.
            home: The workspace.
            environ: The caller's environment, which fills in for values that were not recorded.

        Raises:
            RunNotFound: the run has no such rank, or its folder, or its image, is gone.
            StoreFailed: the record is damaged, or what was dropped of the folder cannot be put back.
            LocalrunError: there is no engine, or it is on another machine.
        """
        from localrun.formats.recorded_plan import read_recorded_plan

        directory = restore_directory(record, rank)
        self._record = record
        self._home = home
        self._environ = environ
        self._plan: Plan = read_recorded_plan(record["plan"], where=os.path.join(record["folder"], "run.json"))
        self._container = self._plan.container or ContainerPlan()
        self._engine = open_engine(environ)
        self._artifact = self._find_image()
        given = tuple((name, environ[name]) for name in self._plan.inherited if name in environ)
        self.place = Place(
            rank=rank,
            directory=self._container.working_directory or directory,
            variables=given,
            missing=tuple(name for name in self._plan.inherited if name not in environ),
        )

    def _find_image(self) -> Artifact:
        from localrun.environments.recorded import find_recorded_image
        from localrun.errors import LocalrunError

        run_id = self._record["run_id"]
        if self._engine.endpoint.remote:
            message = (
                f"the engine at {self._engine.endpoint.place} is not on this machine, where the files of {run_id} are"
            )
            raise LocalrunError(message, hint="use an engine of this machine", code="remote_engine")
        found = find_recorded_image(self._record["artifact"])
        if found is None:
            hint = f"localrun rerun {run_id} makes or fetches it again"
            raise RunNotFound(f"the image of run {run_id} is gone from the engine", hint=hint, code="image_missing")
        return found

    def enter(self, command: Sequence[str], variables: Mapping[str, str]) -> int:
        """Run a command there and give its exit code; the container is removed afterwards.

        Args:
            command: The command.
            variables: More environment variables, such as TERM.

        Raises:
            LocalrunError: the engine does not answer, or refuses.
        """
        from localrun.workspace.place import make_shell_place, remove_shell_place

        folder, keeper = make_shell_place()
        try:
            return self._enter(folder, command, dict(self.place.variables) | dict(variables))
        finally:
            remove_shell_place(folder)
            os.close(keeper)

    def _enter(self, folder: str, command: Sequence[str], variables: Mapping[str, str]) -> int:
        from localrun.adapters.engine_containers import remove_container
        from localrun.adapters.engine_exec import run_in_container
        from localrun.targets.docker_request import PLACE

        container = self._make(folder, command)
        try:
            _start(self._engine, container)
            argv = ("/bin/sh", "-c", ENTERING, f"{PLACE}/start")
            return run_in_container(self._engine, container, argv, variables, "/")
        finally:
            remove_container(self._engine, container)

    def _make(self, folder: str, command: Sequence[str]) -> str:
        """Make the container, and in `folder` what it finds; give its id."""
        from localrun.adapters.engine_containers import RUN_LABEL, begin_create
        from localrun.targets import docker, docker_place
        from localrun.targets.docker_request import PLACE, Node, describe_container
        from localrun.targets.docker_script import write_script

        plan, run_id, run_folder = self._plan, str(self._record["run_id"]), str(self._record["folder"])
        node = plan.ranks[self.place.rank].node
        ports = name_ports(self._record.get("master_port") or docker.FIRST_PORT, len(plan.ranks))
        tokens = {RUN_ID: run_id, RUN_FOLDER: run_folder, **ports}
        # values that are not stored come another way than through a file
        around = docker_place.survey(replace(plan, inherited=()), self._artifact, run_folder, tokens, self._environ)
        start = self._describe_start(around, node, command)
        _write(os.path.join(folder, "start"), write_script(start))
        if around.bundle:
            with open(around.bundle, "rb") as bundle:
                _write(os.path.join(folder, docker_place.BUNDLE), bundle.read())
        described = Node(
            node=node,
            run_id=run_id,
            home=self._home,
            image=self._artifact.image,
            ranks=(),
            bootstrap=-1,
            folder=folder,
            mounts=docker_place.list_mounts(around),
        )
        request = describe_container(described, replace(self._container, ports=()))
        request["Entrypoint"] = ["/bin/sh", "-c", KEEPER, PLACE]
        request["HostConfig"]["AutoRemove"] = True  # when this process is killed
        del request["Labels"][RUN_LABEL]  # what removes the containers of a run leaves this one
        name = f"localrun-{run_id}-shell-{os.urandom(3).hex()}"
        return str(begin_create(self._engine, name, request).take()["Id"])

    def _describe_start(self, around: Surroundings, node: int, command: Sequence[str]) -> Start:
        from localrun.targets.docker_ranks import describe_start
        from localrun.targets.working import fill_tokens

        rank = self._plan.ranks[self.place.rank]
        start = describe_start(around, node, self.place.directory, self._environ)
        own = {name: fill_tokens(text, around.tokens) for name, text in rank.variables}
        variables = {**dict(start.variables), **own}
        return replace(start, argv=tuple(command), variables=tuple(variables.items()), own_python=False)


def _start(engine: Engine, container: str) -> None:
    from localrun.adapters.engine_errors import EngineRefused
    from localrun.targets.docker_refusals import explain_refusal

    try:
        engine.ask("POST", f"/containers/{container}/start")
    except EngineRefused as error:
        raise explain_refusal(engine, error) from None


def _write(path: str, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        os.fchmod(file.fileno(), 0o644)

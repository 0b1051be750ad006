"""The docker target: a node is a container, and its ranks are started in it by `launcher.sh`.

The run's folder, the inputs and a source that is used in place are mounted at the paths that they have on this machine,
so that a plan, a record and a script all mean the same by a path.
"""

from __future__ import annotations

import os

from localrun.adapters.engine import Engine, find_endpoint
from localrun.adapters.engine_containers import begin_create, create_network
from localrun.adapters.engine_errors import CLASH, GONE, EngineRefused
from localrun.adapters.traffic import check_disciplines, list_disciplines
from localrun.errors import LocalrunError
from localrun.plan import RUN_FOLDER, RUN_ID, ContainerPlan, name_ports
from localrun.targets.docker_place import BUNDLE, list_mounts, survey, write_new
from localrun.targets.docker_request import PRIVATE, Container, Node, describe_container, label, name_container
from localrun.targets.ready import Ready, fill_or_remove
from localrun.values import replace
from localrun.workspace import active, contained
from localrun.workspace.place import make_place_in_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from localrun.adapters.engine_containers import Pending
    from localrun.plan import Artifact, Plan
    from localrun.targets.docker_hands import DockerHands
    from localrun.targets.docker_looking import Looking

FIRST_PORT = 29_500
"""The port of rank 0 in a network of its own: nobody else is there."""
LAUNCHER = os.path.join(os.path.dirname(__file__), "launcher.sh")


def prepare(  # noqa: PLR0913 - what a run is made of, as for the local target
    plan: Plan,
    artifact: Artifact,
    *,
    run_id: str,
    folder: str,
    home: str,
    entry: int,
    port: int,
    environ: Mapping[str, str],
    looking: Looking | None = None,
) -> Ready:
    """Make the containers of a run and fill its folder; nothing runs yet.

    Args:
        plan: The plan.
        artifact: Its image.
        run_id: The run's id.
        folder: The run's folder, empty.
        home: The workspace.
        entry: The run's entry among the live runs; it is told of the engine first.
        port: The port of rank 0 when the containers share their network with others; else 0.
        environ: The caller's environment, with the values of secrets.
        looking: What ranks get so that somebody can look into them; None for nothing.

    Raises:
        BadInput: the source cannot be copied.
        StoreFailed: there is no room.
        LocalrunError: there is no engine, or it refuses.
    """
    engine = Engine(find_endpoint(environ, os.path.expanduser("~")))
    if engine.endpoint.remote:
        from localrun.targets.docker_remote import check_remote

        check_remote(plan, plan.container or ContainerPlan(), engine.endpoint.place)
    active.note(entry, [f"engine {contained.describe_engine(engine.endpoint)}"])
    tokens = {RUN_ID: run_id, RUN_FOLDER: folder, **name_ports(port or FIRST_PORT, len(plan.ranks))}
    making = _Making(plan, artifact, engine, run_id=run_id, folder=folder, home=home)
    making.looking = looking
    try:
        return fill_or_remove(folder, lambda: making.make(tokens, environ))
    except BaseException:
        making.undo()
        raise


class _Making:
    """A run in the making: containers are asked for while the folder is filled."""

    def __init__(self, plan: Plan, artifact: Artifact, engine: Engine, *, run_id: str, folder: str, home: str) -> None:
        self._plan = plan
        self._container = plan.container or ContainerPlan()
        self._artifact = artifact
        self._engine = engine
        self._run_id = run_id
        self._folder = folder
        self._home = home
        self._place = ""
        self._network = ""
        self._mounts: tuple[tuple[str, bool], ...] = ()
        self._bundle = ""
        self._asked: list[tuple[Node, str, Pending]] = []
        self.looking: Looking | None = None

    def make(self, tokens: Mapping[str, str], environ: Mapping[str, str]) -> Ready:
        plan = self._plan
        check_disciplines(self._container)
        self._place = make_place_in_memory(self._folder)
        if plan.nodes > 1 and not self._container.network:
            self._network = f"localrun-{self._run_id}"
            create_network(self._engine, self._network, label(self._run_id, self._home))
        around = survey(plan, self._artifact, self._folder, tokens, environ)
        self._mounts, self._bundle = list_mounts(around), around.bundle
        if plan.distribution == "mpi":
            from localrun.targets.mpi import nodes

            nodes.prepare_nodes(plan, self._container, self._folder, self._mode())
        if self._engine.endpoint.remote:
            from localrun.targets.docker_remote import make_volume

            make_volume(self._engine, self._run_id, self._home)
        for node in range(plan.nodes):
            self._make_pipes(node)
            self._ask_for(node)
        from localrun.targets.docker_ranks import fill  # the engine makes the containers meanwhile

        folders = [self._locate(node) for node in range(plan.nodes)]
        ready = fill(around, environ, folders, home=self._home, mode=self._mode(), looking=self.looking)
        if self._container.keep:
            contained.note_kept(self._folder, self._engine.endpoint)
        _import_what_follows()
        containers = tuple(self._take(*asked) for asked in self._asked)
        if plan.distribution == "mpi":
            nodes.check_image(plan, self._artifact, self._engine, containers[0].id)
        if self._mode() != 0o600:  # noqa: PLR2004 - the ranks are somebody else's
            from localrun.targets.docker_users import let_in

            let_in(self._folder)
        return replace(ready, hands=self._hand_over(containers))

    def _hand_over(self, containers: tuple[Container, ...]) -> DockerHands:
        if self._engine.endpoint.remote:
            return self._send(containers)
        from localrun.targets.docker_hands import DockerHands

        hands = DockerHands(
            self._engine,
            containers,
            network=self._network,
            disciplines=list_disciplines(self._container),
            keep=self._container.keep,
            memory_bytes=self._container.memory_bytes,
            alone=self._is_alone(),
            joined=os.path.join(self._folder, "mpi") if self._plan.distribution == "mpi" else "",
            take_back=self._plan_return(),
        )
        hands.start()
        return hands

    def _plan_return(self) -> Callable[[], tuple[str, ...]] | None:
        """Give what makes the files of a run this process's user's again; None when they are from the beginning."""
        if self._container.user.partition(":")[0] == str(os.geteuid()):
            return None
        from localrun.targets.docker_users import take_back

        known = label(self._run_id, self._home)
        return lambda: take_back(self._engine, self._artifact.image, self._folder, known)

    def _send(self, containers: tuple[Container, ...]) -> DockerHands:
        """Copy to another machine what would be mounted on this one."""
        from localrun.targets.docker_remote import RemoteHands, send_files

        files = send_files(
            self._engine,
            containers,
            image=self._artifact.image,
            run_id=self._run_id,
            home=self._home,
            folder=self._folder,
            paths=[path for path, _ in self._mounts if path != self._folder],
        )
        return RemoteHands(
            self._engine,
            containers,
            run_id=self._run_id,
            folder=self._folder,
            files=files,
            network=self._network,
            keep=self._container.keep,
            memory_bytes=self._container.memory_bytes,
        )

    def _describe(self, node: Node) -> dict[str, Any]:
        """Give the request for a node's container."""
        request = describe_container(node, self._container)
        if not self._engine.endpoint.remote:
            return request
        from localrun.targets.docker_remote import adapt_request

        return adapt_request(request, self._run_id, self._folder)

    def undo(self) -> None:
        """Remove what was made; what cannot be removed now is removed by a later command."""
        from localrun.adapters.engine_containers import remove_run

        try:
            for _, _, pending in self._asked:  # one that is still being made would be missed
                pending.settle()
            if self._place:
                remove_run(self._engine, self._run_id)
        except LocalrunError:
            return

    def _is_alone(self) -> bool:
        """Tell whether a container sees its own processes only, so that what it sees may be ended."""
        return all(text.strip('"') in PRIVATE for name, text in self._container.options if name == "PidMode")

    def _make_pipes(self, node: int) -> None:
        folder = self._locate(node)
        os.mkdir(folder, 0o755)
        with open(LAUNCHER, "rb") as launcher:
            write_new(os.path.join(folder, "launcher.sh"), launcher.read(), 0o644)
        if self._bundle:
            with open(self._bundle, "rb") as bundle:
                write_new(os.path.join(folder, BUNDLE), bundle.read(), 0o644)
        mode = self._mode()
        for name in ("control", "status", *(f"out-{rank.rank}" for rank in self._plan.ranks if rank.node == node)):
            os.mkfifo(os.path.join(folder, name), mode)
            os.chmod(os.path.join(folder, name), mode)

    def _mode(self) -> int:
        """Give the mode of the pipes: the folder above lets nobody in, but another user in the container is let in."""
        return 0o600 if self._container.user.partition(":")[0] in {str(os.geteuid()), "0", "root"} else 0o666

    def _locate(self, node: int) -> str:
        return os.path.join(self._place, f"node-{node}")

    def _ask_for(self, node: int) -> None:
        plan = self._plan
        ranks = tuple(rank.rank for rank in plan.ranks if rank.node == node)
        described = Node(
            node=node,
            run_id=self._run_id,
            home=self._home,
            image=self._artifact.image,
            ranks=ranks,
            bootstrap=ranks[0] if plan.bootstrap else -1,
            folder=self._locate(node),
            mounts=self._mounts,
            network=self._network,
            nodes=plan.nodes,
            joined=plan.distribution == "mpi",
        )
        described = described if self.looking is None else self.looking.change_node(described)
        name = name_container(self._run_id, node)
        pending = begin_create(self._engine, name, self._describe(described))
        self._asked.append((described, name, pending))

    def _take(self, node: Node, name: str, pending: Pending) -> Container:
        """Give a node's container as soon as it is there; a name that is taken is changed once."""
        try:
            made = pending.take()
        except EngineRefused as error:
            if error.status == GONE and "image" in error.reason.lower():
                message = f"the image {self._plan.environment.label} is not in the engine any more"
                raise LocalrunError(message, hint="run it again", code="image_missing") from None
            if error.status != CLASH:
                raise
            name = f"{name}-{os.urandom(2).hex()}"
            made = begin_create(self._engine, name, self._describe(node)).take()
        return Container(node=node.node, name=name, id=str(made["Id"]), folder=node.folder, ranks=node.ranks)


def _import_what_follows() -> None:
    """Load what the run needs next; the engine makes its containers meanwhile."""
    import localrun.supervise.supervisor
    import localrun.targets.docker_hands  # noqa: F401 - loaded early, used later

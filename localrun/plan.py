"""What will run, complete before the first side effect.

Made by `localrun.resolve`, shown by `localrun plan`, read by every later stage. Three facts are not known before a run
exists; they stand in paths, arguments and variables as the tokens below, and the launch puts them in.
"""

from __future__ import annotations

from localrun.values import value

RUN_ID = "{localrun:run-id}"
"""Stands for the run's id."""
RUN_FOLDER = "{localrun:run-folder}"
"""Stands for the absolute path of the run's folder in the workspace."""
MASTER_PORT = "{localrun:master-port}"
"""Stands for the port that rank 0 listens on, free on this machine when the run starts."""
MLFLOW_STORE = "mlruns"
"""MLflow's file store, in the run's folder."""
MLFLOW_URI = f"file:{RUN_FOLDER}/{MLFLOW_STORE}"
"""How MLflow is told of it."""


def make_port_token(rank: int) -> str:
    """Give what stands for a port that one rank listens on; rank 0's is `MASTER_PORT`."""
    return f"{{localrun:port-{rank}}}" if rank else MASTER_PORT


def count_ports(plan: Plan) -> int:
    """Count the ports that a plan needs; they follow one another, rank 0's first."""
    texts = [text for rank in plan.ranks for _, text in rank.variables]
    if any("{localrun:port-" in text for text in texts):
        return len(plan.ranks)
    return int(any(MASTER_PORT in text for text in texts))


def name_ports(port: int, count: int) -> dict[str, str]:
    """Give the ports of a run by their tokens.

    Args:
        port: The port of rank 0.
        count: How many follow one another.
    """
    return {make_port_token(number): str(port + number) for number in range(max(count, 1))}


@value
class ImagePlan:
    """The image that containers run: one that is there, or one that is made from it.

    Attributes:
        name: What it is called in the engine: `azureml/azureml_<32 hex of the fingerprint>` for one that localrun
            makes, else the reference that was given.
        fingerprint: SHA-256 of its definition, 64 hex digits; empty for an image that is used as it is.
        base: The reference of the base image; empty when a Dockerfile says it.
        base_id: What `base` stands for in the engine now, `sha256:…`; empty when it is not there.
        dockerfile: The text of the Dockerfile, empty for none.
        context: The absolute folder of the build context; empty for none.
        dockerfile_path: Which file of `context` it is, relative.
        context_hash: SHA-256 of the files of the context.
        prefix: Where the conda environment is in the image, `/azureml-envs/azureml_<32 hex>`; empty for none.
        platform: Such as `linux/amd64`.
        registry: Host and port of the base image's registry when it is named beside the reference.
        username: For that registry.
        password: A reference to the password, `${NAME}`.
        identity_token: A reference to a token, `${NAME}`.
        pull: `missing`, `always` or `never`.
        inherit_network_settings: Builds see proxies, CA bundle and pip settings of this machine.
        spark: Repositories (`repository URL`) and packages (`package G:A:V`) that go into it, one line each.
    """

    name: str
    fingerprint: str = ""
    base: str = ""
    base_id: str = ""
    dockerfile: str = ""
    context: str = ""
    dockerfile_path: str = "Dockerfile"
    context_hash: str = ""
    prefix: str = ""
    platform: str = ""
    registry: str = ""
    username: str = ""
    password: str = ""
    identity_token: str = ""
    pull: str = "missing"
    inherit_network_settings: bool = True
    spark: tuple[str, ...] = ()


@value
class ContainerPlan:
    """How the containers of a run are made, one a node.

    Attributes:
        user: `uid:gid`, or what the image says when empty.
        shm_bytes: The size of /dev/shm.
        memory_bytes: 0 for no limit.
        nano_cpus: Billionths of a processor; 0 for no limit.
        network: Empty: a private network of the run when it has several nodes, else the engine's default.
        network_rate: How fast each node may send, such as `100mbit`; empty for no limit.
        network_delay: How late what it sends arrives, such as `50ms`; empty for at once.
        network_loss: How much of it is lost, such as `1%`; empty for nothing.
        gpus: As after `--gpus`; empty for none.
        mounts: For each mount its text in docker's `-v` form, the host's side absolute.
        ports: In docker's `-p` form.
        working_directory: Inside; empty for the run's own.
        options: Other settings of the Engine API's HostConfig by name, with their value as JSON text.
        keep: The containers stay after the run.
        inherit_network_settings: They see proxies, CA bundle and pip settings of this machine.
    """

    user: str = ""
    shm_bytes: int = 2 * 1024**3
    memory_bytes: int = 0
    nano_cpus: int = 0
    network: str = ""
    network_rate: str = ""
    network_delay: str = ""
    network_loss: str = ""
    gpus: str = ""
    mounts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    working_directory: str = ""
    options: tuple[tuple[str, str], ...] = ()
    keep: bool = False
    inherit_network_settings: bool = False


@value
class EnvironmentPlan:
    """What to run in.

    Attributes:
        kind: `conda` (system-managed: made and cached), `interpreter` (user-managed: used as it is) or `image`.
        name: For kind conda `azureml_<32 hex of the fingerprint>`, the name of the cache entry; else empty.
        fingerprint: SHA-256 of the definition, 64 hex digits; empty for kind interpreter.
        label: What to call it in front of the user (the environment's name or file).
        platform: The conda subdirectory, such as `linux-64`.
        channels: As written by the user, highest priority first.
        conda: Match specs, in order.
        pip: Requirement lines, in order.
        variables: Of the conda file.
        directory: Where relative paths in `pip` start from.
        interpreter: For kind interpreter, the absolute path of the interpreter; for kind image without Python packages,
            the interpreter inside, empty for the one on the image's PATH.
        registered: `NAME:VERSION` of the registered or curated environment that it is; empty when it is not known.
        as_of: Only packages that were there at this instant count, such as `2024-03-01T23:59:59Z`; empty for all.
        image: For kind image. The fields above then describe the conda environment in it, if it has one.
    """

    kind: str
    name: str = ""
    fingerprint: str = ""
    label: str = ""
    platform: str = ""
    channels: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    directory: str = ""
    interpreter: str = ""
    registered: str = ""
    as_of: str = ""
    image: ImagePlan | None = None


@value
class Artifact:
    """An environment that is there and can be run in; made by `localrun.environments`.

    Attributes:
        kind: As in the plan.
        python: The absolute path of its interpreter; empty when a conda environment holds no Python.
        prefix: The absolute path of the conda prefix; empty for kind interpreter.
        path: Folders that go in front of PATH, in order.
        variables: What activating it sets (`etc/conda/activate.d`, `variables:`), worked out when it was made.
        site_packages: The folders of its installed packages; a node's own packages are laid over them.
        reused: Whether it was found in the cache.
        evidence: For each file that vouches for it: path, size, mtime in ns, inode. As long as these hold, it is whole.
        versions: The path of a JSON file with the resolved versions; empty when unknown.
        image: For kind image, its id in the engine, `sha256:…`; `python`, `prefix` and `path` are then inside of it.
        image_digest: The digest that a registry knows it by; empty when it is in none.
    """

    kind: str
    python: str
    prefix: str = ""
    path: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    site_packages: tuple[str, ...] = ()
    reused: bool = True
    evidence: tuple[tuple[str, int, int, int], ...] = ()
    versions: str = ""
    image: str = ""
    image_digest: str = ""


@value
class SourcePlan:
    """Where the run's files come from.

    Attributes:
        directory: The absolute path of the source folder; empty: the run starts in an empty folder.
        file: When only one file of it belongs to the run, that file's absolute path.
        in_place: The run works in `directory` itself, no snapshot is made.
        limited: Refuse a source folder that is larger than the snapshot limits.
        ignoring: The ignore file in its root counts.
        leave_out: An absolute path that never belongs to it: where the outputs are copied to.
        snapshot: The hash that names a snapshot in the workspace: its files are the source's, whatever is in
            `directory` now; empty as a rule.
    """

    directory: str = ""
    file: str = ""
    in_place: bool = False
    limited: bool = True
    ignoring: bool = True
    leave_out: str = ""
    snapshot: str = ""


@value
class InputPlan:
    """A data input: `path` on this machine; `copied` when the run gets its own copy below its folder."""

    name: str
    path: str
    copied: bool = False


@value
class OutputPlan:
    """An output: its place relative to the run's folder, and whether it is a file or a folder."""

    name: str
    path: str
    is_file: bool = False


@value
class RankPlan:
    """One process to start.

    Attributes:
        rank: Global rank, from 0.
        local_rank: Rank on its node, from 0.
        node: Index of its node, from 0.
        variables: What only this rank gets, on top of the plan's own variables.
        log: The name of its log file below `user_logs/`.
    """

    rank: int
    local_rank: int
    node: int
    variables: tuple[tuple[str, str], ...] = ()
    log: str = "std_log.txt"


@value
class Plan:
    """A run, decided.

    Attributes:
        target: `local` or `docker`.
        experiment: Allow-listed name, the first part of the run id.
        argv: What every rank executes. The first item `python` stands for the environment's interpreter; a command is
            `("bash", "-c", text)`.
        variables: What every rank gets: environment, run configuration, files and flags, localrun's own, in this order
            of precedence, each name once, sorted by name.
        fallbacks: Variables that a rank gets where neither `variables` nor the caller's environment has them.
        inherited: Names whose values are taken from the caller's environment when the run starts (`-e NAME`).
        secrets: For each variable that a secret goes into, variable and name of the secret; the variables are among
            `inherited`, and the launch puts the values in the place of the caller's.
        withheld: Names whose values are secrets in plain text: no record keeps them; there they are among `inherited`.
        own: Names of `variables` and of the ranks' variables that localrun sets; an inherited value never shows.
        ranks: One RankPlan a rank, ordered by rank, length nodes × processes_per_node.
        bootstrap: The bootstrap script: relative to the snapshot when it lies inside, else absolute; empty for none.
        overlay: Each node gets a folder for packages of its own, laid over the environment's.
        timeout_s: 0 for none.
        stop_timeout_s: From the first signal of the stop ladder to SIGKILL.
        on_failure: What the failure of a rank means to the others: `stop`, `continue` or `hold`.
        rank_timeout_s: How long a rank may neither print nor compute; 0 for ever.
        timestamps: The time of what each rank prints is kept, and shown.
        sample_usage: What the ranks use is written down while they run.
        terminal_rank: The rank that has the user's terminal or standard input; -1 for none.
        terminal: That rank has a terminal; else the standard input as it is.
        debug_rank: The rank that waits for a debugger; -1 for none.
        outputs_directory: Where `outputs/` is copied to at the end as well; empty for nowhere else.
        notes: What the user should know before it runs, one line each.
        shim: The folder `localrun.shim.PATH` leads the ranks' PYTHONPATH.
        container: For target docker, how the containers are made; else None.
    """

    target: str
    experiment: str
    environment: EnvironmentPlan
    source: SourcePlan
    argv: tuple[str, ...]
    ranks: tuple[RankPlan, ...]
    nodes: int = 1
    processes_per_node: int = 1
    distribution: str = "none"
    variables: tuple[tuple[str, str], ...] = ()
    fallbacks: tuple[tuple[str, str], ...] = ()
    inherited: tuple[str, ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    withheld: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    inputs: tuple[InputPlan, ...] = ()
    outputs: tuple[OutputPlan, ...] = ()
    bootstrap: str = ""
    barrier_timeout_s: float = 1800
    overlay: bool = False
    timeout_s: float = 0
    stop_timeout_s: float = 10
    on_failure: str = "stop"
    rank_timeout_s: float = 0
    timestamps: bool = False
    sample_usage: bool = False
    terminal_rank: int = -1
    terminal: bool = False
    debug_rank: int = -1
    name: str = ""
    display_name: str = ""
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    outputs_directory: str = ""
    notes: tuple[str, ...] = ()
    shim: bool = True
    container: ContainerPlan | None = None


STARTER = ("-I", "-S", "-c")
"""How Python begins where a line of ours starts the script."""


def describe_command(argv: tuple[str, ...]) -> str:
    """Give what a rank executes as the user wrote it: the text for bash, or the script with its arguments."""
    if argv[0] == "bash":
        return argv[2]
    ours = len(STARTER) + 1 if argv[1 : 1 + len(STARTER)] == STARTER else 0
    return " ".join((argv[0], *argv[1 + ours :]))


CLASSES: dict[str, type] = {
    item.__name__: item
    for item in (ImagePlan, ContainerPlan, EnvironmentPlan, Artifact, SourcePlan, InputPlan, OutputPlan, RankPlan, Plan)
}
"""Every class that a stored plan may hold, by name."""

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


@value
class EnvironmentPlan:
    """What to run in.

    Attributes:
        kind: `conda` (system-managed: made and cached) or `interpreter` (user-managed: used as it is).
        name: For kind conda `azureml_<32 hex of the fingerprint>`, the name of the cache entry; else empty.
        fingerprint: SHA-256 of the definition, 64 hex digits; empty for kind interpreter.
        label: What to call it in front of the user (the environment's name or file).
        platform: The conda subdirectory, such as `linux-64`.
        channels: As written by the user, highest priority first.
        conda: Match specs, in order.
        pip: Requirement lines, in order.
        variables: Of the conda file.
        directory: Where relative paths in `pip` start from.
        interpreter: For kind interpreter, the absolute path of the interpreter.
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
    """

    directory: str = ""
    file: str = ""
    in_place: bool = False
    limited: bool = True
    ignoring: bool = True
    leave_out: str = ""


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
        target: `local`.
        experiment: Allow-listed name, the first part of the run id.
        argv: What every rank executes. The first item `python` stands for the environment's interpreter; a command is
            `("bash", "-c", text)`.
        variables: What every rank gets: environment, run configuration, files and flags, localrun's own, in this order
            of precedence, each name once, sorted by name.
        fallbacks: Variables that a rank gets where neither `variables` nor the caller's environment has them.
        inherited: Names whose values are taken from the caller's environment when the run starts (`-e NAME`).
        own: Names of `variables` and of the ranks' variables that localrun sets; an inherited value never shows.
        ranks: One RankPlan a rank, ordered by rank, length nodes × processes_per_node.
        bootstrap: The bootstrap script: relative to the snapshot when it lies inside, else absolute; empty for none.
        overlay: Each node gets a folder for packages of its own, laid over the environment's.
        timeout_s: 0 for none.
        stop_timeout_s: From the first signal of the stop ladder to SIGKILL.
        outputs_directory: Where `outputs/` is copied to at the end as well; empty for nowhere else.
        notes: What the user should know before it runs, one line each.
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
    own: tuple[str, ...] = ()
    inputs: tuple[InputPlan, ...] = ()
    outputs: tuple[OutputPlan, ...] = ()
    bootstrap: str = ""
    barrier_timeout_s: float = 1800
    overlay: bool = False
    timeout_s: float = 0
    stop_timeout_s: float = 10
    name: str = ""
    display_name: str = ""
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    outputs_directory: str = ""
    notes: tuple[str, ...] = ()


CLASSES: dict[str, type] = {
    item.__name__: item for item in (EnvironmentPlan, Artifact, SourcePlan, InputPlan, OutputPlan, RankPlan, Plan)
}
"""Every class that a stored plan may hold, by name."""

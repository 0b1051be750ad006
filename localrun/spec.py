"""What was asked for: a run configuration as the formats read it, before anything is looked up or decided.

Made by `localrun.formats`, read by `localrun.resolve`. Every path is absolute; nothing here has been checked to exist.
"""

from __future__ import annotations

from localrun.values import value


@value
class LockSpec:
    """What a lock file holds for one platform.

    Attributes:
        platform: The conda subdirectory, such as `linux-64`.
        conda: Addresses of conda packages, each with its hash behind `#`, in the order of the file.
        pip: Requirement lines of the pip packages, each with its hash.
        content_hash: What the file says that it was made from.
        sources: The files that it was made from, relative to its folder; empty where localrun wrote it.
        channels: Where its packages come from, as it names them.
    """

    platform: str
    conda: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    content_hash: str = ""
    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


@value
class PythonSpec:
    """The Python section of an environment: what conda and pip are to install.

    Attributes:
        channels: Channel names or URLs, highest priority first; empty: those of the user's conda settings.
        conda: Conda match specs in their order, pip's own section left out.
        pip: Requirement lines of the pip section in their order (options such as `-e` and `--index-url` are lines).
        variables: The `variables:` of the conda file.
        directory: The folder that relative paths among the pip requirements start from.
        locks: What a lock file says, one item a platform; it takes the place of `conda` and `pip`.
        lock_file: The lock file as the user named it; empty for none.
        as_of: Only packages that were there at this instant count, such as `2024-03-01T23:59:59Z`; empty for all.
    """

    channels: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    directory: str = ""
    locks: tuple[LockSpec, ...] = ()
    lock_file: str = ""
    as_of: str = ""


@value
class RegistrySpec:
    """Where a base image is to be had, and for whom.

    Attributes:
        address: Host and port, such as `localhost:5000`.
        username: Empty for what docker's own settings say.
        password: A reference to it, `${NAME}`, never the password.
        identity_token: A reference to a token used in place of both, `${NAME}`.
    """

    address: str = ""
    username: str = ""
    password: str = ""
    identity_token: str = ""


@value
class ImageBuildSpec:
    """How an image is built from a Dockerfile: its text, or a folder that holds it.

    Attributes:
        dockerfile: The text; empty when `context` is not on this machine.
        context: The absolute folder that the Dockerfile may copy from; empty for none.
        dockerfile_path: Which file of `context` it is, relative.
    """

    dockerfile: str = ""
    context: str = ""
    dockerfile_path: str = "Dockerfile"


@value
class SparkSpec:
    """What of Spark the image holds: repositories, packages as `group:artifact:version`, and whether beforehand."""

    repositories: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    precached: bool = True


@value
class EnvironmentSpec:
    """An environment: system-managed when `python` is given, user-managed when `interpreter` is.

    Attributes:
        name: The name it was given, empty for an anonymous one; never part of the fingerprint.
        python: What to install, or None.
        interpreter: The interpreter of a user-managed environment, as written (a name is looked up on PATH).
        image: The (base) image reference of the docker target, empty when none is named.
        build: How the (base) image is built; None when it is not. An environment has `image` or `build`, or neither.
        registry: Where `image` is to be had; None for what its reference says.
        platform: The platform of the image, such as `linux/amd64`; empty for the engine's own.
        spark: The Spark section; None when it holds nothing.
        environment_variables: Variables that the environment brings.
        file: The file it was read from, for messages.
        notes: What the reader of the file has to tell the user, one line each.
        registered: `NAME:VERSION` of one that the workspace or a catalogue knows; empty for others.
    """

    name: str = ""
    python: PythonSpec | None = None
    interpreter: str = ""
    image: str = ""
    build: ImageBuildSpec | None = None
    registry: RegistrySpec | None = None
    platform: str = ""
    spark: SparkSpec | None = None
    environment_variables: tuple[tuple[str, str], ...] = ()
    file: str = ""
    notes: tuple[str, ...] = ()
    registered: str = ""


@value
class InputSpec:
    """One input of a job.

    Attributes:
        name: The key under `inputs`.
        type: `literal`, or `uri_file`, `uri_folder`, `mltable`, `mlflow_model`, `custom_model`, `triton_model`.
        value: The text of a literal, as Azure ML puts it on the command line (`True`, not `true`).
        path: The absolute local path of a data input; empty for a literal.
        mode: `ro_mount`, `download` or `direct`.
    """

    name: str
    type: str = "literal"
    value: str = ""
    path: str = ""
    mode: str = "ro_mount"


@value
class OutputSpec:
    """One output of a job: `uri_file` gives the command a file path, every other type an existing empty folder."""

    name: str
    type: str = "uri_folder"


@value
class DistributionSpec:
    """How ranks are made.

    Attributes:
        type: `none`, `pytorch`, `mpi` or `tensorflow`.
        processes_per_node: So many on each node; for `tensorflow` it is 1.
        workers: Of `tensorflow`; 0: one a node without a parameter server.
        parameter_servers: Of `tensorflow`.
    """

    type: str = "none"
    processes_per_node: int = 1
    workers: int = 0
    parameter_servers: int = 0


@value
class ContainerSpec:
    """What was asked for the containers of the docker target, as written; empty or None: nothing was said.

    Attributes:
        arguments: `docker.arguments` and `docker_args`, one word each, without those of variables.
        volumes: Of `-v`, in docker's form.
        ports: Of `-p`, in docker's form.
        working_directory: Of `-w`.
        gpus: Of `--gpus`.
        shm_size: Of `--shm-size`, such as `2g`.
        memory: Of `--memory`.
        cpus: Of `--cpus`.
        network: Of `--network`.
        network_rate: Of `--network-rate`, such as `100mbit`.
        network_delay: Of `--network-delay`, such as `50ms`.
        network_loss: Of `--network-loss`, such as `1%`.
        user: Of `--user`.
        pull: `missing`, `always` or `never`.
        keep: The containers stay after the run.
        inherit_network_settings: Whether builds and containers see proxies, CA bundle and pip settings of this
            machine; None: builds do, containers do not.
        variables: Of `-e` and `--env-file` among the arguments; those of the run configuration win.
        inherited: Of `-e NAME` among the arguments.
        flags: The flags of the command line that set something here: they win over the arguments.
    """

    arguments: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    working_directory: str = ""
    gpus: str = ""
    shm_size: str = ""
    memory: str = ""
    cpus: str = ""
    network: str = ""
    network_rate: str = ""
    network_delay: str = ""
    network_loss: str = ""
    user: str = ""
    pull: str = "missing"
    keep: bool = False
    inherit_network_settings: bool | None = None
    variables: tuple[tuple[str, str], ...] = ()
    inherited: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@value
class RunSpec:
    """A run configuration as asked for.

    Exactly one of `command` and `script` is not empty.

    Attributes:
        command: One bash program, `${{…}}` not yet replaced.
        script: The absolute path of a Python script.
        arguments: The script's arguments.
        expand_arguments: `$NAME` and `${NAME}` among the arguments stand for the variable that the rank has (v1).
        source_directory: The folder whose snapshot the run works in; empty: an empty folder.
        source_file: A single file as `code`: only that file is in the snapshot; empty otherwise.
        environment: What to run in; None: the default environment.
        environment_variables: The run configuration's own variables.
        inherited: Names whose values come from the caller's environment when the run starts (`-e NAME`).
        secrets: For each variable that a secret goes into, variable and name of the secret.
        inputs: In the order of the file.
        outputs: In the order of the file.
        distribution: How ranks are made.
        nodes: How many nodes (`resources.instance_count`).
        timeout_s: `limits.timeout`; 0 means none.
        target: `local`, `docker`, or empty when nothing was said.
        container: What was asked for the containers of the docker target.
        bootstrap: The absolute path of the bootstrap script, or empty.
        barrier_timeout_s: How long the ranks wait for the bootstrap of their node.
        in_place: Work in the source folder itself, without a snapshot.
        snapshot_limited: Refuse a source folder larger than the snapshot limits.
        outputs_directory: Where to copy `outputs/` to at the end as well; empty for nowhere else.
        stop_timeout_s: From the first signal of the stop ladder to SIGKILL.
        on_failure: What the failure of a rank means to the others: `stop`, `continue` or `hold`.
        rank_timeout_s: How long a rank may neither print nor compute; 0 for ever.
        timestamps: The time of what each rank prints is kept, and shown.
        sample_usage: What the ranks use is written down while they run.
        terminal_rank: The rank that has the user's terminal or standard input; -1 for none.
        terminal: That rank has a terminal; else the standard input as it is.
        debug_rank: The rank that waits for a debugger; -1 for none.
        task_index: What `AZ_BATCHAI_TASK_INDEX` holds: `local` rank, `global` rank or `node`.
        cloud_keys: Keys that only the cloud can honour, dotted, in the order of the file.
        notes: What the reader of the file has to tell the user, one line each.
        file: The file that the run configuration was read from; empty for flags alone.
        lines: For each key (dotted) of that file its line, from 1.
        shim: Scripts find a `Run` that writes into the record.
        key_names: For keys of a v2 job, what the file calls them when it is no v2 job.
    """

    command: str = ""
    script: str = ""
    arguments: tuple[str, ...] = ()
    expand_arguments: bool = False
    source_directory: str = ""
    source_file: str = ""
    environment: EnvironmentSpec | None = None
    environment_variables: tuple[tuple[str, str], ...] = ()
    inherited: tuple[str, ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    inputs: tuple[InputSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    distribution: DistributionSpec = DistributionSpec()
    nodes: int = 1
    timeout_s: float = 0
    name: str = ""
    display_name: str = ""
    experiment_name: str = ""
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    target: str = ""
    container: ContainerSpec = ContainerSpec()
    bootstrap: str = ""
    barrier_timeout_s: float = 1800
    in_place: bool = False
    snapshot_limited: bool = True
    outputs_directory: str = ""
    stop_timeout_s: float = 10
    on_failure: str = "stop"
    rank_timeout_s: float = 0
    timestamps: bool = False
    sample_usage: bool = False
    terminal_rank: int = -1
    terminal: bool = False
    debug_rank: int = -1
    task_index: str = "local"
    cloud_keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    file: str = ""
    lines: tuple[tuple[str, int], ...] = ()
    shim: bool = True
    key_names: tuple[tuple[str, str], ...] = ()

"""What resolve has to know about this machine, probed once, before it is called."""

from __future__ import annotations

from localrun.values import value


@value
class HostFacts:
    """Facts of the host.

    Attributes:
        platform: The conda subdirectory of this machine, such as `linux-64`.
        cpu_count: Processors that this process may use.
        python_version: Major and minor version of the Python that runs localrun, such as `3.11`.
        interpreter: The absolute path of the interpreter that the run configuration names, or of the default one;
            empty when there is none.
        paths: What stands at each path that the run configuration names: `file`, `folder`, `other`, `missing` or
            `locked`, a place of outputs where nothing may be written.
        script_near: When the script is not there, a path that is spelt much like it; else empty.
        script_outside: Where the script really is when its path leads out of the source folder; else empty.
        hashes: SHA-256 of the local files and folders that pip requirements name, by requirement line.
        user: User and group of this process, `uid:gid`; empty where there are none.
        folder_name: The base name of the source folder, real path, for the experiment's default name.
        engine_platform: For the docker target, the platform of the engine, such as `linux/amd64`; else empty.
        images: For the docker target, the id that each base image's reference stands for in the engine, `sha256:…`;
            empty for an image that is not there.
        contexts: SHA-256 of the files of each build context, by its folder.
    """

    platform: str
    cpu_count: int
    python_version: str
    interpreter: str = ""
    paths: tuple[tuple[str, str], ...] = ()
    script_near: str = ""
    script_outside: str = ""
    hashes: tuple[tuple[str, str], ...] = ()
    user: str = ""
    folder_name: str = "run"
    engine_platform: str = ""
    images: tuple[tuple[str, str], ...] = ()
    contexts: tuple[tuple[str, str], ...] = ()

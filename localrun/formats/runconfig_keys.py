"""The keys of a v1 `.runconfig`: their names, order, kinds and defaults.

Source: the files that azureml-core 1.61 writes. It reads every key in camelCase, snake_case and TitleCase; so does
localrun, whatever the mixture. Names that a user chooses (variables, data, Spark settings) are no keys: they stay as
they are.
"""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

from localrun.formats.nodes import Node, describe, items, mapping, whole_number
from localrun.formats.v1_sections import find_key, read_missing, read_section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localrun.formats.v1_sections import Manner, Table

LARGEST = 10**12
"""No count or number of seconds in a run configuration is larger."""


def _text(node: Node, _: Manner) -> str | None:
    """Give a text or None; a number or a truth value counts as the text that was written."""
    if node.data is None or isinstance(node.data, str):
        return node.data
    if isinstance(node.data, dict | list):
        raise node.refuse(f"expected text, found {describe(node.data)}", hint="write one text")
    return node.mark.plain if node.mark.plain is not None else str(node.data)


def _word(node: Node, manner: Manner, *, missing: str) -> str:
    return _text(node, manner) or missing


def _number(node: Node, _: Manner) -> int | None:
    """Give a whole number or None; `'3'` counts as 3."""
    return None if node.data is None else whole_number(node, minimum=-LARGEST, maximum=LARGEST)


def _count(node: Node, manner: Manner, *, missing: int) -> int:
    found = _number(node, manner)
    return missing if found is None else found


def _flag(node: Node, _: Manner, *, missing: bool) -> bool:
    """Give a truth value; the texts true and false count, which azureml-core takes for true both."""
    words = {"true": True, "false": False}
    if isinstance(node.data, str) and node.data.lower() in words:
        return words[node.data.lower()]
    if node.data is None:
        return missing
    if not isinstance(node.data, bool):
        raise node.refuse(f"expected true or false, found {describe(node.data)}", hint="write true or false")
    return node.data


def _texts(node: Node, manner: Manner) -> list[str]:
    return [] if node.data is None else [_text(part, manner) or "" for part in items(node)]


def _values(node: Node, _: Manner) -> list[Any] | str:
    """Give a list of texts, numbers, truth values and None as they are, or one text."""
    if node.data is None or isinstance(node.data, str):
        return node.data or []
    for part in items(node):
        if isinstance(part.data, dict | list):
            message = f"expected text, a number or a truth value, found {describe(part.data)}"
            raise part.refuse(message, hint="write one text an item")
    return list(node.data)


def _command(node: Node, manner: Manner) -> list[Any] | str:
    return _values(node, manner) or ""


def _names(node: Node, _: Manner) -> dict[str, Any]:
    """Give a mapping whose keys are the user's own names."""
    return {} if node.data is None else {str(part.path[-1]): deepcopy(part.data) for part in mapping(node)}


def _list(node: Node, _: Manner) -> list[Any]:
    return [] if node.data is None else [deepcopy(part.data) for part in items(node)]


def _plain(node: Node, _: Manner) -> Any:
    return deepcopy(node.data)


def _section(node: Node, manner: Manner, *, table: Table) -> dict[str, Any]:
    return read_missing(table) if node.data is None else read_section(node, table, manner)


def _as_flag(*, missing: bool) -> Any:
    return partial(_flag, missing=missing), missing


def _as_count(missing: int) -> Any:
    return partial(_count, missing=missing), missing


def _as_word(missing: str) -> Any:
    return partial(_word, missing=missing), missing


def _as_section(table: Table) -> Any:
    return partial(_section, table=table), read_missing(table)


DOCKER: Table = {
    "useDocker": _as_flag(missing=False),
    "sharedVolumes": _as_flag(missing=True),
    "arguments": (_texts, []),
    "shmSize": (_text, "2g"),
}
HISTORY: Table = {
    "outputCollection": _as_flag(missing=True),
    "snapshotProject": _as_flag(missing=True),
    "directoriesToWatch": (_texts, ["logs"]),
    "ambientAuthentication": (_plain, None),
}
SPARK: Table = {
    "configuration": (_names, {"spark.app.name": "Azure ML Experiment", "spark.yarn.maxAppAttempts": 1}),
}
HDI: Table = {"yarnDeployMode": (_text, "cluster")}
TENSORFLOW: Table = {"workerCount": _as_count(1), "parameterServerCount": _as_count(1)}
MPI: Table = {"processCountPerNode": _as_count(1), "nodeCount": _as_count(1)}
PYTORCH: Table = {
    "communicationBackend": (_text, "nccl"),
    "processCount": (_number, None),
    "nodeCount": _as_count(1),
}
PARALLEL_TASK: Table = {
    "maxRetriesPerWorker": _as_count(0),
    "workerCountPerNode": _as_count(1),
    "terminalExitCodes": (_plain, None),
}
AML_COMPUTE: Table = {
    "vmSize": (_text, None),
    "vmPriority": (_text, None),
    "retainCluster": _as_flag(missing=False),
    "name": (_text, None),
    "clusterMaxNodeCount": (_number, None),
}
KUBERNETES_COMPUTE: Table = {"instanceType": (_text, None)}
SECTIONS: dict[str, Table] = {
    "history": HISTORY,
    "spark": SPARK,
    "docker": DOCKER,
    "hdi": HDI,
    "tensorflow": TENSORFLOW,
    "mpi": MPI,
    "pytorch": PYTORCH,
    "paralleltask": PARALLEL_TASK,
    "amlcompute": AML_COMPUTE,
    "kubernetescompute": KUBERNETES_COMPUTE,
}
"""The keys that are sections, and theirs."""
RUN_CONFIGURATION: Table = {
    "script": (_text, None),
    "arguments": (_values, []),
    "target": _as_word("local"),
    "framework": _as_word("Python"),
    "communicator": _as_word("None"),
    "maxRunDurationSeconds": (_number, None),
    "nodeCount": _as_count(1),
    "priority": (_number, None),
    "environment": (_plain, None),
    **{name: _as_section(SECTIONS[name]) for name in ("history", "spark", "docker", "hdi", "tensorflow", "mpi")},
    **{name: _as_section(SECTIONS[name]) for name in ("pytorch", "paralleltask")},
    "dataReferences": (_names, {}),
    "data": (_names, {}),
    "datacaches": (_list, []),
    "outputData": (_names, {}),
    "sourceDirectoryDataStore": (_text, None),
    "amlcompute": _as_section(AML_COMPUTE),
    "autoClusterComputeSpecification": (_plain, None),
    "kubernetescompute": _as_section(KUBERNETES_COMPUTE),
    "credentialPassthrough": _as_flag(missing=False),
    "command": (_command, ""),
    "environmentVariables": (_names, {}),
    "applicationEndpoints": (_names, {}),
}
"""Every key in the order in which azureml-core writes them; `environment` is read on its own."""


def find_lines(node: Node, table: Table, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Give the line of every key, under its canonical name, dotted: of sections, lists and the user's names too."""
    if not isinstance(node.data, dict | list):
        return
    for step in node.data if isinstance(node.data, dict) else range(len(node.data)):
        part = node.part(step)
        name = find_key(step, table) or step if isinstance(step, str) else str(step)
        yield prefix + name, part.mark.line
        below = SECTIONS.get(name, {}) if table is RUN_CONFIGURATION else {}
        if name != "environment":
            yield from find_lines(part, below, f"{prefix}{name}.")


def complete(given: dict[str, Any], table: Table) -> dict[str, Any]:
    """Give a copy of a document or a section with every key of its table; what is not known comes last.

    None counts as missing where a key has a default.
    """
    whole = {
        name: deepcopy(missing if given.get(name) is None else given[name]) for name, (_, missing) in table.items()
    }
    if table is RUN_CONFIGURATION:
        whole |= {name: complete(given.get(name) or {}, section) for name, section in SECTIONS.items()}
    return whole | {name: deepcopy(item) for name, item in given.items() if name not in table}

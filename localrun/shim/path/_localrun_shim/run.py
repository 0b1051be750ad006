"""The methods of a `Run`: they print what azureml-core prints outside of Azure, and write into the run's journal.

Source of names, arguments and printed lines: azureml-core 1.61, `azureml.core.run`.
"""

import os
import uuid

from _localrun_shim.around import Experiment, get_environment, get_secret, get_secrets, list_datasets, read_context
from _localrun_shim.files import copy_in, copy_out, list_files, save_plot
from _localrun_shim.journal import JOURNAL, read_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")


def get_run(cls: "type[T]", **kwargs: object) -> "T":
    """Give the run that this process belongs to, as an object of a completed class."""
    kwargs.setdefault("run_id", os.environ.get("AZUREML_RUN_ID"))
    return cls(**kwargs)


def complete(cls: "Any") -> None:
    """Give a class all methods of `Recorded`, in the place of its own."""
    begin = cls.__init__

    def start(self: "Any", parent_logger: object = None, run_id: "str | None" = None, **kwargs: object) -> None:
        known = run_id or os.environ.get("AZUREML_RUN_ID") or "OfflineRun_{}".format(uuid.uuid4())
        begin(self, parent_logger=parent_logger, run_id=known, **kwargs)

    cls.__init__ = start
    for name, item in vars(Recorded).items():
        if name in _SPECIAL or not (name == "id" or name.startswith("__")):
            setattr(cls, name, item)


class Recorded:
    """What a run can do in its script. `id` is the class's own."""

    id = ""
    parent: "Any" = None
    type = "localrun"
    number = 1

    def _localrun_write(self, kind: str, **fields: object) -> None:
        JOURNAL.write(kind, self.id, **fields)

    def _localrun_log(self, shown: str, kind: str, name: str, value: object, **fields: object) -> None:
        print("Attempted to log {} metric {}:\n{}".format(shown, name, value))
        JOURNAL.write(kind, self.id, n=name, v=value, **fields)

    def log(self, name: str, value: object, description: "str | None" = "", step: "int | None" = None) -> None:
        del description
        print("Attempted to log scalar metric {}:\n{}".format(name, value))
        JOURNAL.write_number(self.id, name, value, step)

    def log_list(self, name: str, value: object, description: "str | None" = "") -> None:
        del description
        self._localrun_log("list", "list", name, value)

    def log_row(self, name: str, description: "str | None" = None, **kwargs: object) -> None:
        del description
        self._localrun_log("row", "row", name, kwargs)

    def log_table(self, name: str, value: object, description: "str | None" = "") -> None:
        del description
        self._localrun_log("table", "table", name, value)

    def log_residuals(self, name: str, value: object, description: "str | None" = None) -> None:
        del description
        self._localrun_log("residual", "residuals", name, value)

    def log_predictions(self, name: str, value: object, description: "str | None" = None) -> None:
        del description
        self._localrun_log("predictions", "predictions", name, value)

    def log_accuracy_table(self, name: str, value: object, description: "str | None" = None) -> None:
        del description
        self._localrun_log("accuracy_table", "accuracy_table", name, value)

    def log_confusion_matrix(self, name: str, value: object, description: "str | None" = None) -> None:
        del description
        self._localrun_log("confusion_matrix", "confusion_matrix", name, value)

    def log_image(
        self, name: str, path: "str | None" = None, plot: object = None, description: "str | None" = ""
    ) -> None:
        del description
        print("Attempted to log image metric {}:\n{}".format(name, plot or path))
        stored = save_plot(name, plot) if path is None else copy_in(name + os.path.splitext(path)[1], path)
        self._localrun_write("image", n=name, v=stored)

    def tag(self, name: str, value: object = None) -> None:
        print("Attempted to add tag {} with value {}".format(name, value))
        self._localrun_write("tags", v={name: _text(value)})

    def set_tags(self, tags: "dict[str, object]") -> None:
        print("Attempted to set tags {}".format(tags))
        self._localrun_write("tags", v={name: _text(value) for name, value in tags.items()})

    def remove_tags(self, tags: "list[str]") -> "dict[str, object]":
        self._localrun_write("tags", v=dict.fromkeys(tags))
        return self.get_tags()

    def add_properties(self, properties: "dict[str, object]") -> None:
        print("Attempted to add properties {}".format(properties))
        self._localrun_write("properties", v={name: _text(value) for name, value in properties.items()})

    def get_tags(self) -> "dict[str, object]":
        known = dict(read_context().get("tags") or {}) if self.parent is None else {}
        known.update(_merge("tags", self.id))
        return {name: value for name, value in known.items() if value is not None}

    def get_properties(self) -> "dict[str, object]":
        return _merge("properties", self.id)

    @property
    def tags(self) -> "dict[str, object]":
        return self.get_tags()

    @property
    def properties(self) -> "dict[str, object]":
        return self.get_properties()

    def get_metrics(
        self,
        name: "str | None" = None,
        recursive: bool = False,
        run_type: object = None,
        populate: bool = False,
    ) -> "dict[str, object]":
        del recursive, run_type, populate
        found: dict[str, list[object]] = {}
        for entry in sorted(read_entries(), key=_when):
            if entry["r"] == self.id and entry["k"] not in _NO_METRICS and name in (None, entry["n"]):
                found.setdefault(entry["n"], []).append(entry["v"])
        return {key: values[0] if len(values) == 1 else values for key, values in found.items()}

    def upload_file(self, name: str, path_or_stream: object, datastore_name: "str | None" = None) -> None:
        del datastore_name
        print("Attempted to track file {} at {}".format(name, path_or_stream))
        self._localrun_write("file", n=copy_in(name, path_or_stream))

    def upload_files(
        self,
        names: "list[str]",
        paths: "list[str]",
        return_artifacts: bool = False,
        timeout_seconds: "int | None" = None,
        datastore_name: "str | None" = None,
    ) -> None:
        del return_artifacts, datastore_name
        print("Attempted to track files {} at {} with timeout {}s".format(names, paths, timeout_seconds))
        for name, path in zip(names, paths):  # noqa: B905 - older interpreters have no strict
            self._localrun_write("file", n=copy_in(name, path))

    def upload_folder(self, name: str, path: str, datastore_name: "str | None" = None) -> None:
        del datastore_name
        print("Attempted to track folder {} at {}".format(name, path))
        for place, _, files in os.walk(path):
            for file in files:
                full = os.path.join(place, file)
                self._localrun_write("file", n=copy_in(name + "/" + os.path.relpath(full, path), full))

    def get_file_names(self) -> "list[str]":
        return list_files()

    def download_file(self, name: str, output_file_path: "str | None" = None, **_: object) -> None:
        copy_out(name, output_file_path)

    def register_model(
        self,
        model_name: str,
        model_path: "str | None" = None,
        tags: "dict[str, object] | None" = None,
        **kwargs: object,
    ) -> "Any":
        path = model_path or model_name
        self._localrun_write(
            "model", n=model_name, v={"path": path, "tags": tags or {}, "properties": kwargs.get("properties")}
        )
        return Model(model_name, tags or {})

    def get_secret(self, name: str) -> str:
        return get_secret(name)

    def get_secrets(self, secrets: "list[str]") -> "dict[str, str | None]":
        return get_secrets(secrets)

    def get_environment(self) -> "Any":
        return get_environment()

    @property
    def experiment(self) -> Experiment:
        return Experiment()

    @property
    def input_datasets(self) -> "dict[str, object]":
        return list_datasets("AZURE_ML_INPUT_")

    @property
    def output_datasets(self) -> "dict[str, object]":
        return list_datasets("AZURE_ML_OUTPUT_")

    @property
    def name(self) -> str:
        return str(read_context().get("display_name") or self.id)

    display_name = name

    @property
    def status(self) -> str:
        return "Running"

    def get_status(self) -> str:
        return "Running"

    def get_details(self) -> "dict[str, object]":
        return {
            "runId": self.id,
            "target": read_context().get("target", "local"),
            "status": "Running",
            "properties": self.get_properties(),
            "tags": self.get_tags(),
            "inputDatasets": [],
            "outputDatasets": [],
            "logFiles": {},
        }

    def get_portal_url(self) -> str:
        return ""

    def child_run(self, name: "str | None" = None, run_id: "str | None" = None, outputs: object = None) -> "Any":
        del outputs
        named = run_id or "{}.{}".format(self.id, name or uuid.uuid4())
        cls: Any = self.__class__
        child = cls(run_id=named)
        child.parent = self
        self._localrun_write("child", n=name or named, v=named)
        return child

    def create_children(
        self, count: "int | None" = None, tag_key: "str | None" = None, tag_values: "list[str] | None" = None
    ) -> "list[object]":
        children = []
        values: Sequence[str | None] = tag_values or [None] * (count or 0)
        for value in values:
            child = self.child_run()
            if tag_key is not None:
                child.tag(tag_key, value)
            children.append(child)
        return children

    def start(self) -> None:
        """Nothing is to be done: it runs."""

    def complete(self, **_: object) -> None:
        self._localrun_write("end", v="completed")

    def cancel(self) -> None:
        self._localrun_write("end", v="canceled")

    def fail(self, error_details: object = None, error_code: object = None, **_: object) -> None:
        print("Run failed with error code {}:\n{}".format(error_code, error_details))
        self._localrun_write("end", v="failed", code=_text(error_code), details=_text(error_details))

    def flush(self, timeout_seconds: float = 300) -> None:
        del timeout_seconds
        print("Attempted to flush run with id {}".format(self.id))

    def wait_for_completion(self, *_: object, **__: object) -> "dict[str, object]":
        return self.get_details()

    def __enter__(self) -> "Any":
        print("[START] Run {} context".format(self.id))
        return self

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        print("[STOP] Run {} context".format(self.id))
        if self.parent is not None:
            self._localrun_write("end", v="completed" if kind is None else "failed", details=_text(value))

    def __repr__(self) -> str:
        return "Run(Experiment: {},\nId: {},\nStatus: Running)".format(self.experiment.name, self.id)


_SPECIAL = ("__enter__", "__exit__", "__repr__")
_NO_METRICS = ("tags", "properties", "file", "model", "child", "end")


class Model:
    """A model that the script has registered."""

    def __init__(self, name: str, tags: "dict[str, object]") -> None:
        self.name = name
        self.version = 1
        self.id = "{}:1".format(name)
        self.tags = tags


def _when(entry: "dict[str, Any]") -> float:
    return float(entry["t"])


def _merge(kind: str, run_id: str) -> "dict[str, object]":
    found: dict[str, object] = {}
    for entry in sorted(read_entries(), key=_when):
        if entry["k"] == kind and entry["r"] == run_id:
            found.update(entry["v"])
    return found


def _text(value: object) -> "str | None":
    return None if value is None else str(value)

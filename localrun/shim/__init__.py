"""What a script of a run finds when it imports `azureml.core`: a `Run` that writes into the record.

What lives here: the packages that ranks import, and the way to their PYTHONPATH. What does not: any import of localrun,
and what reads the journal that they write, which is `localrun.workspace.metrics`.

`path/` leads the PYTHONPATH of every rank (`lead`), and holds two packages that any interpreter from Python 3.6 on can
import, of the standard library alone:

    azureml          steps aside at once for a real one, and then completes its `Run` in place; else a stand-in
    _localrun_shim   the methods of `Run`, and the journal that they write

Why a package on PYTHONPATH, and no `sitecustomize`: nothing happens in a process that does not import `azureml`, and a
`sitecustomize` of the user's or of an image's is not hidden by ours. A target that gives its ranks other paths than
this machine's mounts `PATH`, and calls `lead` with the place that it has there.

The journal is a folder of the run's, named by the variable `LOCALRUN_JOURNAL`: one file of JSON lines for each process
that logs, opened for appending, one write a call, so that nothing is lost however many write at once; and `files/`,
what was uploaded.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "path")
"""The folder that leads PYTHONPATH."""


def lead(variables: MutableMapping[str, str], path: str = PATH) -> None:
    """Put the folder in front of the PYTHONPATH among variables; what is there already stays behind it."""
    given = variables.get("PYTHONPATH", "")
    variables["PYTHONPATH"] = f"{path}:{given}" if given else path

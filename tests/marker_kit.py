"""The marker that the bootstrap script of Azure ML's documentation leaves."""

from __future__ import annotations

import os

MARKER = "/tmp/.azureml_bootstrap_complete"


def remove_marker():
    if os.path.isdir(MARKER) and not os.path.islink(MARKER):
        os.rmdir(MARKER)
    elif os.path.lexists(MARKER):
        os.unlink(MARKER)

"""What a rank that waits for a debugger executes before anything else; Python imports it by its name (`site`).

Only the first Python that could be the script's does: pip and its kind are passed over. It works with any version of
Python that debugpy works with, and leaves the environment's own sitecustomize in force.
"""

import atexit
import contextlib
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = ("pip", "pip3", "uv", "conda", "ensurepip", "venv")
"""Programs that bring a script's packages: nobody wants to debug them."""
ADAPTER_WAIT_S = 2.0
"""How long a rank that ends waits for the end of its debugger's process."""


def _run_own() -> None:
    """Execute the environment's own sitecustomize, which this one was found in front of."""
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def _wait(address: str, port: int, beside: str) -> None:
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # else it warns about frozen modules, which are not debugged
    atexit.register(_end_adapter, os.getpid(), port)  # before debugpy's own, so that it is called after
    if importlib.util.find_spec("debugpy") is None:
        sys.path.append(beside)
    import debugpy  # type: ignore[import-not-found,unused-ignore]  # of the environment, or beside it

    debugpy.listen((address, port))
    sys.stderr.write(f"localrun: waiting for a debugger on 127.0.0.1:{port}\n")
    sys.stderr.flush()
    debugpy.wait_for_client()


def _end_adapter(waiting: int, port: int) -> None:
    """End the process that debugpy speaks to the editor through, which is nobody's child: nothing of a run stays."""
    if os.getpid() != waiting or not os.path.isdir("/proc/self"):
        return
    adapters = [pid for pid in os.listdir("/proc") if pid.isdigit() and _is_adapter(pid, port)]
    for pid in adapters:
        with contextlib.suppress(OSError):
            os.kill(int(pid), signal.SIGTERM)
    deadline = time.monotonic() + ADAPTER_WAIT_S
    while any(_is_adapter(pid, port) for pid in adapters) and time.monotonic() < deadline:
        time.sleep(0.005)


def _is_adapter(pid: str, port: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # empty once the process has ended
            words = file.read().split(b"\0")
    except OSError:
        return False
    return any(word.endswith(b"debugpy/adapter") for word in words) and str(port).encode() in words


_run_own()
_words = [os.path.basename(word) for word in getattr(sys, "orig_argv", [])[1:4]]
if "LOCALRUN_DEBUG_PORT" in os.environ and not any(tool in _words for tool in TOOLS):
    _wait(
        os.environ.pop("LOCALRUN_DEBUG_ADDRESS", "127.0.0.1"),
        int(os.environ.pop("LOCALRUN_DEBUG_PORT")),
        os.environ.pop("LOCALRUN_DEBUGPY", ""),
    )

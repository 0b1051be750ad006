"""localrun's `azureml`: it steps aside for a real one, whose `Run` it completes, and stands in where there is none."""

import importlib.machinery
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _give_way() -> None:
    above = os.path.dirname(_HERE)
    paths = [path for path in sys.path if os.path.abspath(path or os.curdir) != above]
    spec = importlib.machinery.PathFinder.find_spec(__name__, paths)
    if spec is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[__name__] = module
    if spec.loader is not None and spec.origin is not None:  # a namespace package has nothing to execute
        spec.loader.exec_module(module)
    places = list(module.__path__)
    if importlib.machinery.PathFinder.find_spec(__name__ + ".core", places) is None:
        module.__path__ = [*places, _HERE]  # parts of azureml are there, but not its core
        return
    from _localrun_shim.hook import complete_when_imported

    complete_when_imported(__name__ + ".core.run")


_give_way()

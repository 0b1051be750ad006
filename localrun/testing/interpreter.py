"""Copy a Python interpreter of this machine into a folder, so that it runs from wherever it is put.

Known sources: Debian's and Ubuntu's own Python, pyenv's and other builds by `make install`, uv's standalone builds; a
virtual environment stands for the interpreter that it was made from.
"""

from __future__ import annotations

import ast
import json
import os
import pprint
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from localrun.errors import BadInput, EnvironmentFailed
from localrun.testing.elf import relocate_binaries
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

PLACEHOLDER = "/opt/localrun_prefix_placeholder"
"""Stands for the prefix in the text files of a copied interpreter."""

_PROBE = """
import json, sys, sysconfig
base = getattr(sys, "_base_executable", None) or sys.executable
paths = sysconfig.get_paths()
print(json.dumps({"version": "%d.%d.%d" % sys.version_info[:3], "executable": base, "prefix": sys.base_prefix,
    "stdlib": paths["stdlib"], "include": paths["include"],
    "multiarch": sysconfig.get_config_var("MULTIARCH") or "",
    "release": sys.version_info.releaselevel, "gil": not sysconfig.get_config_var("Py_GIL_DISABLED")}))
"""

_CHECK = """
import ssl, sqlite3, ctypes, zlib, hashlib, bz2, lzma, sysconfig, json, sys, site
print(json.dumps({"purelib": sysconfig.get_path("purelib"), "platlib": sysconfig.get_path("platlib"),
    "scripts": sysconfig.get_path("scripts"), "site": site.getsitepackages()[-1], "prefix": sys.prefix}))
"""

_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
"""For the copy: nothing of the caller's settings."""

_LEFT_OUT = frozenset({
    "__pycache__", "EXTERNALLY-MANAGED", "_distutils_system_mod.py", "dist-packages", "idlelib", "site-packages",
    "sitecustomize.py", "test", "tests", "tkinter", "turtledemo", "turtle.py",
})  # fmt: skip
"""Parts of a standard library that are not copied: other packages' files, marks of the distribution, tests, Tk."""

_DEBIAN_SCHEME = re.compile(rb"prefix_scheme = '(?:posix_local|deb_system)'")

_PLACES = frozenset({
    "BINDIR", "BINLIBDEST", "CONFINCLUDEDIR", "CONFINCLUDEPY", "DESTDIRS", "DESTLIB", "DESTSHARED", "INCLDIRSTOMAKE",
    "INCLUDEDIR", "INCLUDEPY", "LIBDEST", "LIBDIR", "LIBPC", "LIBPL", "MACHDESTLIB", "MANDIR", "SCRIPTDIR",
    "datarootdir", "exec_prefix", "prefix",
})  # fmt: skip
"""Build variables that name a place below the prefix."""


@value
class Interpreter:
    """A Python interpreter of this machine.

    Attributes:
        executable: The real path of its binary.
        version: Such as `3.11.7`.
        prefix: What it was installed under.
        stdlib: The folder of its standard library.
        include: The folder of its headers; may be missing on disk.
        multiarch: Debian's name of the platform in paths, such as `x86_64-linux-gnu`; may be empty.
    """

    executable: str
    version: str
    prefix: str
    stdlib: str
    include: str
    multiarch: str = ""

    @property
    def short(self) -> str:
        """The version without its last part, such as `3.11`."""
        return self.version.rpartition(".")[0]


def probe_interpreter(python: str) -> Interpreter:
    """Ask an interpreter where its parts are.

    Args:
        python: The path or name of a CPython interpreter; of a virtual environment its base is meant.

    Raises:
        BadInput: it cannot be started, or is not a released CPython with a GIL.
    """
    told = json.loads(_ask(python, _PROBE))
    if told["release"] != "final" or not told["gil"]:
        raise BadInput(f"{python} is a pre-release or free-threaded Python, and cannot become a conda package here")
    names = ("version", "prefix", "stdlib", "include", "multiarch")
    return Interpreter(executable=os.path.realpath(told["executable"]), **{name: told[name] for name in names})


def stage_interpreter(interpreter: Interpreter, folder: str) -> tuple[str, ...]:
    """Copy an interpreter into a folder that then is a prefix: `bin`, `lib`, `include`.

    Shared libraries that it needs lie in `lib`, glibc's own apart; bytecode is up to date; packages go to
    `lib/pythonX.Y/site-packages`, on Debian's Python too.

    Args:
        interpreter: What to copy.
        folder: An empty folder.

    Returns:
        The paths, below the folder, of the text files that hold `PLACEHOLDER` instead of the prefix.

    Raises:
        EnvironmentFailed: the copy does not run, or does not place packages where it should.
    """
    name = f"python{interpreter.short}"
    library = os.path.join(folder, "lib", name)
    shutil.copytree(interpreter.stdlib, library, ignore=_choose_left_out, ignore_dangling_symlinks=True)
    os.makedirs(os.path.join(library, "site-packages"))
    os.makedirs(os.path.join(folder, "bin"))
    shutil.copy2(interpreter.executable, os.path.join(folder, "bin", name))
    for link in ("python", "python3"):
        os.symlink(name, os.path.join(folder, "bin", link))
    _copy_headers(interpreter, os.path.join(folder, "include", name))
    relocate_binaries(interpreter.executable, interpreter.stdlib, folder, name)
    _neutralise_distribution(os.path.join(folder, "bin", name), library)
    _copy_bytecode(interpreter.stdlib, library)
    _compile(folder, name)
    _check(folder, name)
    return _place_variables(interpreter, library, folder)


def _ask(python: str, program: str) -> str:
    try:
        done = subprocess.run((python, "-I", "-c", program), capture_output=True, text=True, check=True)
    except OSError as error:
        raise BadInput(f"{python} cannot be started: {error.strerror}") from error
    except subprocess.CalledProcessError as error:
        raise BadInput(f"{python} is not a Python that can be asked", detail=error.stderr) from error
    return done.stdout


def _choose_left_out(folder: str, names: list[str]) -> list[str]:
    left = [item for item in names if item in _LEFT_OUT or item.endswith((".a", ".o")) or item.startswith("_tkinter.")]
    # `config-…` serves programs that embed Python
    return left + [item for item in names if item.startswith("config-") and os.path.isdir(os.path.join(folder, item))]


def _copy_headers(interpreter: Interpreter, target: str) -> None:
    if not os.path.isfile(os.path.join(interpreter.include, "Python.h")):
        return
    shutil.copytree(interpreter.include, target)
    parent, name = os.path.split(interpreter.include)
    multiarch = os.path.join(parent, interpreter.multiarch, name, "pyconfig.h")
    if interpreter.multiarch and os.path.isfile(multiarch):  # Debian's pyconfig.h only points to this one
        shutil.copy2(multiarch, os.path.join(target, "pyconfig.h"))


def _neutralise_distribution(executable: str, library: str) -> None:
    """Undo Debian's patches, by which packages go to `/usr/local/…/dist-packages` (Debian Python Policy, 3.1).

    Since Python 3.11 the module `site` is part of the binary, so the name of the folder is replaced there too: the new
    name has the same length.
    """
    for path in (executable, os.path.join(library, "site.py")):
        _rewrite(path, lambda content: content.replace(b"dist-packages", b"site-packages"))
    for name in ("sysconfig.py", "sysconfig/__init__.py"):
        _rewrite(
            os.path.join(library, name), lambda content: _DEBIAN_SCHEME.sub(b"prefix_scheme = 'posix_prefix'", content)
        )


def _rewrite(path: str, change: Callable[[bytes], bytes]) -> None:
    if not os.path.isfile(path):
        return
    with open(path, "rb") as stream:
        before = stream.read()
    after = change(before)
    if after != before:
        with open(path, "wb") as stream:
            stream.write(after)


def _copy_bytecode(source: str, library: str) -> None:
    """Copy the bytecode of the copied modules; `_compile` makes what is missing or stale."""
    for parent, folders, names in os.walk(library):
        folders.sort()
        cache = os.path.join(source, os.path.relpath(parent, library), "__pycache__")
        if not os.path.isdir(cache):
            continue
        modules = {name.removesuffix(".py") for name in names if name.endswith(".py")}
        wanted = [item for item in os.listdir(cache) if _names_module(item, modules)]
        if wanted:
            os.makedirs(os.path.join(parent, "__pycache__"), exist_ok=True)
        for item in wanted:
            shutil.copyfile(os.path.join(cache, item), os.path.join(parent, "__pycache__", item))


def _names_module(cached: str, modules: set[str]) -> bool:
    module, _, rest = cached.partition(".")
    return module in modules and rest.startswith("cpython-") and ".opt-" not in rest


def _compile(folder: str, name: str) -> None:
    python, library = os.path.join(folder, "bin", name), os.path.join(folder, "lib", name)
    command = (python, "-I", "-m", "compileall", "-q", "-j", "0", library)
    # the exit code tells of modules that are no valid Python on purpose (lib2to3 has some)
    subprocess.run(command, env=_ENVIRONMENT, capture_output=True, check=False)


def _check(folder: str, name: str) -> None:
    python, library = os.path.join(folder, "bin", name), os.path.join(folder, "lib", name)
    done = subprocess.run((python, "-I", "-c", _CHECK), env=_ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFailed(f"the copy of {name} does not run", detail=done.stderr)
    told = json.loads(done.stdout)
    packages = os.path.join(library, "site-packages")
    expected = {"purelib": packages, "platlib": packages, "site": packages}
    expected |= {"scripts": os.path.join(folder, "bin"), "prefix": folder}
    wrong = {key: told[key] for key, path in expected.items() if os.path.realpath(told[key]) != os.path.realpath(path)}
    if wrong:
        places = ", ".join(f"{key} {path}" for key, path in wrong.items())
        raise EnvironmentFailed(f"the copy of {name} keeps the places of its distribution: {places}")


def _place_variables(interpreter: Interpreter, library: str, folder: str) -> tuple[str, ...]:
    """Put the placeholder into the build variables that `sysconfig` reads."""
    found = []
    for item in sorted(os.listdir(library)):
        path = os.path.join(library, item)
        if not item.startswith("_sysconfigdata") or os.path.islink(path):
            continue
        with open(path, encoding="utf-8") as stream:
            tree = ast.parse(stream.read())
        variables = next(ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign))
        placed = {key: _place(key, text, interpreter) for key, text in variables.items()}
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(f"# build variables, read by sysconfig\nbuild_time_vars = {pprint.pformat(placed)}\n")
        _drop_bytecode(library, item)
        found.append(os.path.relpath(path, folder))
    return tuple(found)


def _place(key: str, text: object, interpreter: Interpreter) -> object:
    if not isinstance(text, str) or (key not in _PLACES and interpreter.prefix in ("/usr", "/usr/local")):
        return text
    placed = re.sub(rf"{re.escape(interpreter.prefix)}(?![\w.-])", PLACEHOLDER, text)
    return placed.replace(f"/{interpreter.multiarch}", "") if key in _PLACES and interpreter.multiarch else placed


def _drop_bytecode(library: str, module: str) -> None:
    cache = os.path.join(library, "__pycache__")
    for item in os.listdir(cache):
        if item.startswith(f"{module.removesuffix('.py')}."):
            os.remove(os.path.join(cache, item))

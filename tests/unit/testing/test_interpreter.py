from __future__ import annotations

import pytest

from localrun.testing.elf import GLIBC
from localrun.testing.interpreter import PLACEHOLDER, Interpreter, _place


def interpreter(prefix, multiarch=""):
    library = f"{prefix}/lib/python3.11"
    return Interpreter(
        executable=f"{prefix}/bin/python3.11",
        version="3.11.7",
        prefix=prefix,
        stdlib=library,
        include="",
        multiarch=multiarch,
    )


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("LIBDIR", "/usr/lib/x86_64-linux-gnu", f"{PLACEHOLDER}/lib"),
        ("prefix", "/usr", PLACEHOLDER),
        ("INCLDIRSTOMAKE", "/usr/include /usr/include", f"{PLACEHOLDER}/include {PLACEHOLDER}/include"),
        ("INSTALL", "/usr/bin/install -c", "/usr/bin/install -c"),
        ("SIZEOF_LONG", 8, 8),
    ],
)
def test_only_places_below_a_system_prefix_are_moved(key, text, expected):
    assert _place(key, text, interpreter("/usr", "x86_64-linux-gnu")) == expected


def test_every_mention_of_a_prefix_of_its_own_is_moved():
    own = interpreter("/home/a/py/3.11.7")
    assert _place("LDFLAGS", "-Wl,-rpath,/home/a/py/3.11.7/lib", own) == f"-Wl,-rpath,{PLACEHOLDER}/lib"
    assert _place("X", "/home/a/py/3.11.71/lib", own) == "/home/a/py/3.11.71/lib"


def test_glibc_is_known_by_its_names():
    own = ("libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "libnsl.so.1", "libresolv.so.2", "linux-vdso.so.1")
    others = ("libcrypt.so.1", "libnsl.so.2", "libmd.so.0", "libcrypto.so.3", "libgcc_s.so.1", "libutil-linux.so.1")
    assert all(GLIBC.fullmatch(name) for name in own)
    assert not any(GLIBC.fullmatch(name) for name in others)

from __future__ import annotations

import importlib.util
import io
import json
import marshal
import os
import sys
import zlib

import pytest

from localrun.adapters import compile_bytecode

KEY = "ab" * 32


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Give what compiles a package of two modules in an environment, and gives the paths of its bytecode."""

    def work(name, texts, *, share):
        folder = tmp_path / name
        folder.mkdir()
        for number, text in enumerate(texts):
            kept = tmp_path / f"{hash(text)}.py"
            if not kept.exists():
                kept.write_text(text)
                os.utime(kept, (1_700_000_000, 1_700_000_000))
            os.link(kept, folder / f"m{number}.py")
        unit = (KEY, str(folder), [f"m{number}.py" for number in range(len(texts))], {})
        request = {"cache": str(tmp_path / "cache"), "units": [unit], "processes": 1, "share": share}
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(request)))
        compile_bytecode.main()
        return [importlib.util.cache_from_source(str(folder / f"m{number}.py")) for number in range(len(texts))]

    return work


def load(path):
    spec = importlib.util.spec_from_file_location("m", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.A


def test_shared_bytecode_is_one_file_in_every_environment(compiled):
    first = compiled("one", ["A = 1\n", "A = 2\n"], share=True)
    second = compiled("two", ["A = 1\n", "A = 2\n"], share=True)
    for one, two in zip(first, second, strict=True):
        assert os.path.samefile(one, two)
    assert [load(path) for path in second] == [1, 2]


def test_source_that_is_another_gets_bytecode_of_its_own(compiled):
    first = compiled("one", ["A = 1\n", "A = 2\n"], share=True)
    touched = compiled("two", ["A = 1 \n", "A = 2\n"], share=True)
    assert not os.path.samefile(first[0], touched[0])
    assert os.path.samefile(first[1], touched[1])


def test_bytecode_is_a_file_of_each_environment_where_it_is_not_shared(compiled):
    (first,) = compiled("one", ["A = 1\n"], share=False)
    (second,) = compiled("two", ["A = 1\n"], share=False)
    assert not os.path.samefile(first, second)
    assert load(second) == 1


def test_what_cannot_be_compiled_is_left_out(compiled):
    first = compiled("one", ["A = 1\n", "{{ template }} ="], share=True)
    second = compiled("two", ["A = 1\n", "{{ template }} ="], share=True)
    assert [os.path.exists(path) for path in first + second] == [True, False, True, False]


@pytest.fixture
def unit(compiled, tmp_path):
    """Give the path of what is kept of a package of two modules, the second of which cannot be compiled."""
    compiled("one", ["A = 1\n", "{{ template }} ="], share=False)
    (path,) = (tmp_path / "cache" / KEY[:2]).iterdir()
    return path


def test_what_was_kept_is_used_again(compiled, unit):
    before = unit.stat().st_mtime_ns
    first, second = compiled("two", ["A = 1\n", "{{ template }} ="], share=False)
    assert load(first) == 1
    assert not os.path.exists(second)
    assert unit.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "older"])
def test_what_was_kept_and_is_damaged_is_made_anew(compiled, unit, damage):
    whole = unit.read_bytes()
    older = marshal.dumps({"m0.py": marshal.dumps(compile("A = 2", "m0.py", "exec"))})
    texts = {
        "flip": whole[:-1] + bytes([whole[-1] ^ 1]),
        "truncate": whole[:-3],
        "empty": b"",
        "older": zlib.crc32(older).to_bytes(4, "little") + older,
    }
    unit.write_bytes(texts[damage])
    first, _ = compiled("two", ["A = 1\n", "{{ template }} ="], share=False)
    assert load(first) == 1
    assert unit.read_bytes() != texts[damage]


def test_a_cache_that_cannot_be_written_costs_time_only(compiled, tmp_path):
    (tmp_path / "cache").write_text("")
    for name, share in (("one", True), ("two", False)):
        (path,) = compiled(name, ["A = 1\n"], share=share)
        assert load(path) == 1
    assert (tmp_path / "cache").read_text() == ""


def test_half_a_file_is_never_left_of_bytecode(tmp_path):
    (tmp_path / "m.pyc").symlink_to("/dev/full")
    with pytest.raises(OSError, match=f"no space left for {tmp_path}/m.pyc"):
        compile_bytecode._write_bytecode(str(tmp_path / "m.pyc"), b"header", b"body")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("given", ["no-such-hash=AA", "sha256=AA", ""])
def test_a_source_that_is_not_what_its_package_says_is_no_bytecode_for_others(tmp_path, given):
    (tmp_path / "m.py").write_text("A = 1\n")
    kept = tmp_path / "cache" / "unit"
    compile_bytecode._compile_units([(str(kept), str(tmp_path), ["m.py"], {"m.py": given})], 1, share=True)
    assert load(importlib.util.cache_from_source(str(tmp_path / "m.py"))) == 1
    assert not kept.exists()


def test_a_file_that_went_has_no_hash(tmp_path):
    assert not compile_bytecode._has_hash(str(tmp_path / "none"), "sha256=AA")

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys

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

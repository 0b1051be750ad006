from __future__ import annotations

import os

import pytest
from page_kit import Command, compare, parse_page, run_page

TEXT = """\
# A page

```python title="train.py"
print("loss 0.5")
```

```console
$ python3 train.py
loss …
$ cat \\
    train.py
```

<!-- not run: it needs a cluster -->

```console
$ submit
```
"""


def run(text, tmp_path):
    return run_page(parse_page("page.md", text), str(tmp_path), os.environ)


def test_a_page_has_files_and_commands_in_order_and_tells_what_is_not_run():
    page = parse_page("page.md", TEXT)
    file, first, second = page.steps
    assert (file.name, file.text) == ("train.py", 'print("loss 0.5")\n')
    assert first == Command("python3 train.py", ["loss …"], 8)
    assert second.text == "cat \\\n    train.py"
    assert page.not_run == [("it needs a cluster", ["submit"])]


def test_a_page_that_is_right_is_run_without_a_word(tmp_path):
    assert not run(TEXT, tmp_path)


def test_a_command_that_prints_something_else_is_told(tmp_path):
    wrong = run(TEXT.replace("loss …", "accuracy …"), tmp_path)
    assert wrong.startswith("page.md:8\n$ python3 train.py\nloss 0.5\n")
    assert "accuracy …" in wrong


def test_a_command_that_fails_is_told(tmp_path):
    assert "it ended with 3, not with 0" in run("```console\n$ (exit 3)\n```\n", tmp_path)
    assert not run("<!-- exit code: 3 -->\n\n```console\n$ (exit 3)\n```\n", tmp_path)


def test_variables_and_folders_live_from_command_to_command(tmp_path):
    assert not run("```console\n$ mkdir a; cd a; b=5\n$ echo $(basename $PWD) $b\na 5\n```\n", tmp_path)


def test_a_command_with_pdb_in_its_output_gets_a_terminal(tmp_path):
    text = (
        '```python title="a.py"\nimport sys\nx = 42\nbreakpoint()\nprint(sys.stdin.isatty())\n```\n'
        "```console\n$ python3 a.py\n…\n(Pdb) p x\n42\n(Pdb) c\nTrue\n```\n"
    )
    assert not run(text, tmp_path)


def test_a_name_that_stands_for_another_is_replaced_everywhere(tmp_path):
    text = "<!-- stands for: python:3 = mine -->\n```console\n$ echo python:3 | tr m n\nnine\n$ echo python:3\npython:3\n```\n"
    assert not run(text, tmp_path)


@pytest.mark.parametrize(
    ("wanted", "printed", "any_order", "same"),
    [
        (["a", "…", "d"], "a\nb\nc\nd\n", False, True),
        (["a", "…", "d"], "a\nd\n", False, True),
        (["a", "d"], "a\nb\nd\n", False, False),
        (["a … c"], "a b c", False, True),
        (["b", "a"], "a\nx\nb\n", True, True),
        (["b", "b"], "a\nb\n", True, False),
        (["a*"], "aaa", False, False),
    ],
)
def test_output_is_compared(wanted, printed, any_order, same):
    assert (not compare(wanted, printed, any_order=any_order)) is same


@pytest.mark.parametrize(
    "text",
    ["<!-- not run: why -->\n", "<!-- nonsense: x -->\n", "```console\nno command\n```\n", "```console\n$ a\n"],
)
def test_a_page_that_cannot_be_read_is_an_error(text):
    with pytest.raises(AssertionError):
        parse_page("page.md", text)

"""Comments of a YAML file that is read, changed and written again: they stay where they were.

Azure ML's SDK keeps them too. A comment belongs to the key below it, one behind a value to that value's key.
"""

from __future__ import annotations

from localrun.errors import BadInput
from localrun.formats.gate import Document, load_yaml
from localrun.values import value

MOST_LINES = 1000
"""Of longer files no comments are kept: the search for them may take quadratic time."""


@value
class Comment:
    """A comment: what stands there, the key that it belongs to (folded; empty: the end of the file), and its side."""

    text: str
    key: str
    behind: bool


def keep_comments(old: bytes, new: bytes) -> bytes:
    """Give `new` with the comments of `old` at the keys that both have; a comment whose key is gone is left out.

    Args:
        old: The file as it was read.
        new: The same file as it would be written, one line for each key.

    Raises:
        BadInput: one of them is no YAML.
    """
    lines = old.decode("utf-8-sig").splitlines()
    if b"#" not in old or len(lines) > MOST_LINES:
        return new
    comments = _find_comments(lines, load_yaml(old, file=""))
    document = load_yaml(new, file="")
    places = {_fold(key): line for key, line in document.lines()}
    text = new.decode().splitlines()
    above: dict[int, list[str]] = {}
    for comment in comments:
        line = places.get(comment.key, 0)
        if comment.behind and line:
            text[line - 1] += comment.text
        elif line or not comment.key:
            above.setdefault(line or len(text) + 1, []).append(comment.text)
    whole = [
        part for number in range(1, len(text) + 2) for part in (*above.get(number, ()), *text[number - 1 : number])
    ]
    result = "\n".join(whole).encode() + b"\n"
    return result if load_yaml(result, file="").data == document.data else new


def _fold(key: str) -> str:
    return key.replace("_", "").lower()


def _find_comments(lines: list[str], document: Document) -> list[Comment]:
    at = {line: _fold(key) for key, line in document.lines()}
    rests = _choose(
        lines, {number: rest for number, line in enumerate(lines, 1) if (rest := _rest(line)) != line}, document
    )
    found: list[Comment] = []
    waiting: list[str] = []
    for number, line in enumerate(lines, 1):
        if number in rests and not rests[number].strip():
            waiting.append(line)
        elif number in at:
            found += [Comment(text=text, key=at[number], behind=False) for text in waiting]
            waiting = []
            if number in rests:
                found.append(Comment(text="  " + line[len(rests[number]) :].strip(), key=at[number], behind=True))
    return found + [Comment(text=text, key="", behind=False) for text in waiting if at]


def _rest(line: str) -> str:
    """Give what is left of a line without its comment, if that is what it has."""
    if line.lstrip().startswith("#"):
        return ""
    start = line.find(" #")
    return line if start < 0 else line[:start]


def _choose(lines: list[str], rests: dict[int, str], document: Document) -> dict[int, str]:
    """Give those shortened lines that mean the same: at once when all do, else one by one."""
    if _means_the_same(lines, rests, document):
        return rests
    return {number: rest for number, rest in rests.items() if _means_the_same(lines, {number: rest}, document)}


def _means_the_same(lines: list[str], rests: dict[int, str], document: Document) -> bool:
    changed = [rests.get(number, line) for number, line in enumerate(lines, 1)]
    try:
        return bool(load_yaml("\n".join(changed).encode(), file="").data == document.data)
    except BadInput:
        return False

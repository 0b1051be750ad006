"""`--set a.b=c`: changes of a document before it is checked."""

from __future__ import annotations

from localrun.errors import BadInput
from localrun.formats.gate import DEPTH, Document, Mark, load_yaml
from localrun.formats.nodes import describe
from localrun.formats.scalars import read_plain
from localrun.values import replace


def apply_overrides(document: Document, overrides: tuple[tuple[str, str], ...]) -> Document:
    """Give a copy of the document with values replaced or added, in the order given.

    A value is read as a YAML scalar: `3` is a number, `"3"` is text. Mappings on the way are made where needed.

    Raises:
        BadInput: a key leads through something that is no mapping, or a value is not a scalar.
    """
    data, mark = document.data, document.mark
    for key, given in overrides:
        steps = key.split(".")
        if not all(steps) or len(steps) >= DEPTH:
            raise BadInput(f"--set {key}={given}: the key is not a dotted name", hint="write --set inputs.lr=0.1")
        data, mark = _set(data, mark, steps, _scalar(key, given), key)
    return replace(document, data=data, mark=mark)


def _scalar(key: str, given: str) -> tuple[object, Mark]:
    if given[:1] in ("'", '"') and given[-1:] == given[:1] and len(given) > 1:
        data = load_yaml(given.encode(errors="surrogatepass"), file=f"--set {key}").data
        return data, Mark()
    try:
        given.encode()
        if "\0" in given:
            raise BadInput(f"--set {key}: the value holds a NUL", hint="remove it")
        return read_plain(given), Mark(plain=given)
    except ValueError as error:
        raise BadInput(f"--set {key}: {error}", hint="put it in quotes when it is meant as text") from None


def _set(data: object, mark: Mark, steps: list[str], new: tuple[object, Mark], key: str) -> tuple[object, Mark]:
    if data is None:
        data, mark = {}, Mark(line=mark.line, parts={})
    if not isinstance(data, dict):
        raise BadInput(f"--set {key}: it leads through {describe(data)}", hint="--set changes keys of mappings only")
    name, *rest = steps
    parts = mark.parts or {}
    part, part_mark = new
    if rest:
        part, part_mark = _set(data.get(name), parts.get(name, Mark(line=mark.line)), rest, new, key)
    elif name in parts:
        part_mark = replace(part_mark, line=parts[name].line)
    return {**data, name: part}, replace(mark, parts={**parts, name: part_mark})

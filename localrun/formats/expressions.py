"""`${{inputs.x}}` and `${{outputs.x}}`: textual, before any shell sees the command, as Azure ML does it.

Blanks inside the braces are allowed. `$[[ … ]]` is left as it stands, as azure-ai-ml leaves it in a command job. The
old form `{inputs.x}` is rewritten once, when the file is read. They may stand in `command` (there azure-ai-ml checks
them) and in the values of `environment_variables` (it lets them pass); its loader refuses them where it wants a number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localrun.errors import BadInput
from localrun.formats.nodes import nearest
from localrun.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_EXPRESSION = re.compile(r"\$\{\{\s*([^\s{}]*)\s*\}\}")
_LEGACY = re.compile(r"(?<!\{)\{((?:inputs|outputs)\.[A-Za-z_][A-Za-z0-9_]*\s*)\}(?!\})")
_ELSEWHERE = {
    "parent": "only a step of a pipeline has a parent",
    "search_space": "only a sweep has a search space",
    "name": "only Azure ML knows it, for the path of an output",
    "output_name": "only Azure ML knows it, for the path of an output",
    "default_datastore": "there is no datastore on this machine",
}


@value
class Reference:
    """One `${{context.name}}` of a text, `context` being `inputs` or `outputs`; it stands at text[start:end]."""

    context: str
    name: str
    start: int
    end: int


def rewrite_legacy(text: str) -> str:
    """Turn `{inputs.x}` and `{outputs.x}` into the present form, as azure-ai-ml does with a warning."""
    return _LEGACY.sub(r"${{\1}}", text)


def find_references(text: str, *, file: str = "", line: int = 0, key: str = "") -> tuple[Reference, ...]:
    """Give every reference to an input or output, in the order of the text.

    Text between `${{` and `}}` that is no dotted name is not a reference (a shell or Python may mean something by it).

    Raises:
        BadInput: an expression names something that a command job does not have.
    """
    found = []
    for match in _EXPRESSION.finditer(text):
        context, dot, name = match[1].partition(".")
        if context in ("inputs", "outputs") and dot:
            found.append(Reference(context=context, name=name, start=match.start(), end=match.end()))
        elif context in _ELSEWHERE:
            raise BadInput(f"{match[0]} has no meaning here", file=file, line=line, key=key, hint=_ELSEWHERE[context])
        elif dot and re.fullmatch(r"[A-Za-z_]+", context):
            hint = "a command can name ${{inputs.…}} and ${{outputs.…}}"
            raise BadInput(f"{match[0]} has no meaning here", file=file, line=line, key=key, hint=hint)
    return tuple(found)


def check_references(
    text: str, *, inputs: Iterable[str], outputs: Iterable[str], file: str = "", line: int = 0, key: str = ""
) -> None:
    """See that everything a text refers to exists.

    Raises:
        BadInput: an input or output is not among those given, or the expression names something else.
    """
    known = {"inputs": list(inputs), "outputs": list(outputs)}
    for reference in find_references(text, file=file, line=line, key=key):
        names = known[reference.context]
        if reference.name in names:
            continue
        near = nearest(reference.name, names, likeness=0.5)  # names of two letters, too
        has = f"the job has {reference.context} {', '.join(names)}" if names else f"the job has no {reference.context}"
        message = f"{text[reference.start : reference.end]} refers to nothing"
        raise BadInput(message, file=file, line=line, key=key, hint=f"did you mean {near}?" if near else has)


def substitute(
    text: str,
    *,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    file: str = "",
    line: int = 0,
    key: str = "",
) -> str:
    """Put the values of inputs and outputs into a text; what is put in is not looked at again, and nothing is quoted.

    Args:
        text: A command or the value of an environment variable.
        inputs: The text that stands for each input.
        outputs: The path of each output.
        file: Where the text comes from, for messages.
        line: Its line there.
        key: Its key there.

    Raises:
        BadInput: an input or output is not among those given, or the expression names something else.
    """
    check_references(text, inputs=inputs, outputs=outputs, file=file, line=line, key=key)
    pieces = []
    at = 0
    for reference in find_references(text):
        pieces += [text[at : reference.start], (inputs if reference.context == "inputs" else outputs)[reference.name]]
        at = reference.end
    return "".join((*pieces, text[at:]))

from __future__ import annotations

import pytest

from localrun.errors import BadInput
from localrun.formats.expressions import find_references, rewrite_legacy, substitute

INPUTS = {"lr": "0.1", "data": "/d/a b.csv", "nested": "${{inputs.lr}}"}
OUTPUTS = {"model": "/o/model"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("--lr ${{inputs.lr}}", "--lr 0.1"),
        ("--lr ${{ inputs.lr }} ${{\tinputs.lr\n}}", "--lr 0.1 0.1"),
        ("${{inputs.data}}/${{outputs.model}}", "/d/a b.csv//o/model"),
        ("${{inputs.nested}}", "${{inputs.lr}}"),
        ("$${{inputs.lr}}", "$0.1"),
        ("$[[--lr ${{inputs.lr}}]]", "$[[--lr 0.1]]"),
        ("${HOME} ${{}} ${{price}} {inputs.lr} ${{ a b }}", "${HOME} ${{}} ${{price}} {inputs.lr} ${{ a b }}"),
        ("", ""),
    ],
)
def test_references_are_replaced_as_text(text, wanted):
    assert substitute(text, inputs=INPUTS, outputs=OUTPUTS) == wanted


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("${{inputs.lt}}", "did you mean lr?"),
        ("${{ inputs.zzz }}", "the job has inputs lr, data, nested"),
        ("${{outputs.lr}}", "the job has outputs model"),
        ("$[[ ${{inputs.nope}} ]]", "the job has inputs"),
        ("${{inputs.lr.path}}", "the job has inputs"),
        ("${{inputs.}}", "the job has inputs"),
        ("${{parent.inputs.lr}}", "pipeline"),
        ("${{search_space.lr}}", "sweep"),
        ("${{name}}", "only Azure ML"),
        ("${{Inputs.lr}}", "a command can name"),
        ("${{secrets.x}}", "a command can name"),
    ],
)
def test_what_does_not_exist_is_refused(text, hint):
    with pytest.raises(BadInput) as caught:
        substitute("echo " + text, inputs=INPUTS, outputs=OUTPUTS, file="j.yml", line=3, key="command")
    assert hint in caught.value.hint
    assert text.strip("$[] ") in str(caught.value).replace("$", "") or text in str(caught.value)
    assert str(caught.value).startswith("j.yml:3: command: ")


def test_references_are_found_in_order():
    found = find_references("a ${{inputs.x}} ${{ outputs.y }}")
    assert [(item.context, item.name, item.start) for item in found] == [("inputs", "x", 2), ("outputs", "y", 16)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{inputs.a} {outputs.b}", "${{inputs.a}} ${{outputs.b}}"),
        (
            "${{inputs.a}} {{inputs.a}} { inputs.a } {inputs.a b}",
            "${{inputs.a}} {{inputs.a}} { inputs.a } {inputs.a b}",
        ),
        ("${inputs.a}", "$${{inputs.a}}"),
    ],
)
def test_the_old_form_is_rewritten_as_azure_ai_ml_does(text, wanted):
    assert rewrite_legacy(text) == wanted

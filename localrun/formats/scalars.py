"""What a plain (unquoted) YAML scalar means, in YAML 1.2 and in the YAML 1.1 of Azure ML's own loader.

1.2 is how localrun reads (as azureml-core does, through ruamel.yaml: its extras `0b1` and `1_000` included; dates stay
text). azure-ai-ml reads with PyYAML, a YAML 1.1 resolver; where a scalar becomes text for a command or a variable, that
reading decides what the run sees on Azure ML.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

NUMBER_LENGTH = 1000
"""A number with more characters than this is refused."""

_NULLS = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_TRUE_1_1 = _TRUE | {"yes", "Yes", "YES", "on", "On", "ON"}
_FALSE_1_1 = _FALSE | {"no", "No", "NO", "off", "Off", "OFF"}
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)")
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?"
)

_BASES = {"0b": 2, "0o": 8, "0x": 16}
_INTEGER_1_2 = re.compile(
    r"[-+]?(?:0b[01_]*[01][01_]*|0o[0-7_]*[0-7][0-7_]*|0x[0-9a-fA-F_]*[0-9a-fA-F][0-9a-fA-F_]*|[0-9][0-9_]*)"
)
_FLOAT_1_2 = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?)"
)
_INTEGER_1_1 = re.compile(
    r"[-+]?(?:0b[01_]*[01][01_]*|0x[0-9a-fA-F_]*[0-9a-fA-F][0-9a-fA-F_]*|0_*[0-7][0-7_]*|0|[1-9][0-9_]*(?::[0-5]?[0-9])*)"
)
_FLOAT_1_1 = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"
)


def read_plain(text: str) -> Scalar:
    """Give the value of a plain scalar in YAML 1.2.

    Raises:
        ValueError: it is a number that is too long to be one.
    """
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] not in "-+.0123456789":
        return text
    if _INTEGER_1_2.fullmatch(text):
        return _integer(text, octal_by_zero=False)
    if _FLOAT_1_2.fullmatch(text):
        return float(_short(text).replace("_", ""))
    return _not_finite(text)


def read_plain_1_1(text: str) -> Scalar:
    """Give the value of a plain scalar as azure-ai-ml's loader (PyYAML, YAML 1.1) reads it; a date stays text.

    Raises:
        ValueError: it is a number that is too long to be one.
    """
    if text in _NULLS:
        return None
    if text in _TRUE_1_1 or text in _FALSE_1_1:
        return text in _TRUE_1_1
    if text[0] not in "-+.0123456789":
        return text
    if _FLOAT_1_1.fullmatch(text):
        return _sexagesimal(text, float)
    if _INTEGER_1_1.fullmatch(text):
        return _sexagesimal(text, int) if ":" in text else _integer(text, octal_by_zero=True)
    return _not_finite(text)


def is_date(text: str) -> bool:
    """Say whether azure-ai-ml's loader takes the plain scalar for a date or a time stamp."""
    return _DATE.fullmatch(text) is not None


def _integer(text: str, *, octal_by_zero: bool) -> int:
    digits = _short(text).replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    if digits[:2] in _BASES:
        return sign * int(digits[2:], _BASES[digits[:2]])
    return sign * int(digits, 8 if octal_by_zero and digits[0] == "0" and len(digits) > 1 else 10)


def _sexagesimal(text: str, kind: type[int | float]) -> float:
    digits = _short(text).replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    value = kind(0)
    for part in digits.lstrip("+-").split(":"):
        value = value * 60 + kind(part)
    return sign * value


def _not_finite(text: str) -> str | float:
    if _INFINITE.fullmatch(text):
        return float("-inf" if text[0] == "-" else "inf")
    return float("nan") if _NAN.fullmatch(text) else text


def _short(text: str) -> str:
    if len(text) > NUMBER_LENGTH:
        raise ValueError(f"a number of {len(text):,} characters")
    return text

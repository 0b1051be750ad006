"""What the methods of `CondaDependencies` take."""

from __future__ import annotations

import re
from typing import Any

from localrun.api.exceptions import UserErrorException


def read_content(path: str) -> dict[str, Any]:
    """Give the content of a conda file, and tell its warnings.

    Raises:
        BadInput: the file cannot be used.
    """
    from localrun.api.notices import tell
    from localrun.api.user_files import read_user_file
    from localrun.formats.v1_conda import read_conda_document

    content, warnings = read_conda_document(read_user_file(path), file=path)
    tell(warnings)
    return content


def take_text(given: object, what: str) -> str:
    """Give a text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(given, str):
        raise TypeError(f"{what} expected str, {type(given)} found")
    return given


def option_name(pip_option: str) -> str:
    """Give the option that a line for pip sets: of `--index-url URL` and `--index-url=URL` it is `--index-url`.

    Raises:
        UserErrorException: it is no option.
    """
    if not take_text(pip_option, "pip option").startswith("-"):
        raise UserErrorException(f"Invalid pip option {pip_option}", hint="an option begins with -")
    return re.split(r"[\s=]", pip_option, maxsplit=1)[0]


def package_for_core(package: str, core_type: str) -> str:
    """Give the name that a package has for a kind of processor.

    Raises:
        UserErrorException: the kind is neither cpu nor gpu.
    """
    if core_type not in {"cpu", "gpu"}:
        message = f"Invalid core type {core_type}. Only accept 'cpu' or 'gpu'"
        raise UserErrorException(message, hint="write core_type='cpu'")
    return package if core_type == "cpu" else f"{package}-gpu"

"""Arguments for `docker run` in a run configuration: `docker.arguments` (v1) and `resources.docker_args` (v2).

They are read as docker's own command line reads them, and never handed to it: each option becomes a setting of the
container, a variable of the run, or an error that says what to use instead.
"""

from __future__ import annotations

import os
import shlex

from localrun.errors import BadInput
from localrun.formats.docker_options import KNOWN, OTHER_NAMES, SHORT, VARIABLES, WITHOUT_VALUE
from localrun.formats.docker_values import read_mount
from localrun.formats.nodes import nearest
from localrun.spec import ContainerSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_TRUE, _FALSE = ("1", "t", "true"), ("0", "f", "false")


def split_words(given: str | Iterable[str]) -> tuple[str, ...]:
    """Split arguments into words as a shell does; an item of a list such as `-v /a:/b` is two words.

    Raises:
        BadInput: a quote is not closed.
    """
    if not isinstance(given, str):
        words: list[str] = []
        for item in given:
            head = item.split(maxsplit=1)[0] if item.strip() else ""
            whole = not head.startswith("-") or head == item or "=" in head
            words += [item] if whole else split_words(item)
        return tuple(words)
    try:
        return tuple(shlex.split(given))
    except ValueError:
        hint = "close the quote, or write a list with one word an item"
        raise BadInput(f"{given!r} cannot be split into words: a quote is not closed", hint=hint) from None


def parse_arguments(words: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Give the options by their long names with their values, in their order; one without a value has `true`.

    Raises:
        BadInput: docker has no such option, a value is missing, or a word is no option.
    """
    pairs: list[tuple[str, str]] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.startswith("--") and word != "--":
            name, equals, given = word.partition("=")
            name = OTHER_NAMES.get(name, name)
            _check_known(name, word)
            pairs.append((name, _take_value(name, rest, given if equals else None)))
        elif word.startswith("-") and word.strip("-"):
            pairs += _parse_short(word, rest)
        else:
            hint = "an image or a command has no place here: they belong to the run configuration"
            raise BadInput(f"{word!r} is no option of docker run", hint=hint)
    return tuple(pairs)


def _parse_short(word: str, rest: list[str]) -> list[tuple[str, str]]:
    """Parse `-it`, `-p80:80`, `-p=80:80` or `-p 80:80`."""
    pairs = []
    for place, letter in enumerate(word[1:], 2):
        name = SHORT.get(letter, "")
        _check_known(name, f"-{letter}")
        behind = word[place:]
        if name in WITHOUT_VALUE and not behind.startswith("="):
            pairs.append((name, "true"))
            continue
        given = behind.removeprefix("=") if behind else None
        pairs.append((name, _take_value(name, rest, given)))
        break
    return pairs


def _check_known(name: str, word: str) -> None:
    if name not in KNOWN:
        near = nearest(word.partition("=")[0], KNOWN)
        hint = f"did you mean {near}?" if near else "docker run --help lists its options"
        raise BadInput(f"docker run has no option {word.partition('=')[0]}", hint=hint)


def _take_value(name: str, rest: list[str], given: str | None) -> str:
    if name in WITHOUT_VALUE:
        if given is None or given.lower() in _TRUE:
            return "true"
        if given.lower() in _FALSE:
            return "false"
        raise BadInput(f"{name} takes no value but true or false, found {given!r}", hint=f"write {name} alone")
    if given is None:
        if not rest:
            raise BadInput(f"{name} needs a value", hint=f"write {name}=VALUE")
        return rest.pop(0)
    return given


def read_docker_arguments(given: str | Iterable[str], *, directory: str, read: Callable[[str], bytes]) -> ContainerSpec:
    """Read arguments as far as files and variables go; whether a container can have the rest is seen when it is to run.

    Args:
        given: A shell string, or words.
        directory: The absolute folder that relative paths start from.
        read: Gives the bytes of a file by its absolute path.

    Returns:
        Its `arguments`, those of variables left out and paths on the host absolute; `variables` of `-e NAME=VALUE` and
        `--env-file`, in their order, each name once; and `inherited`, the names of `-e NAME`.

    Raises:
        BadInput: a quote is not closed, or a file of variables cannot be read.
    """
    words = split_words(given)
    try:
        pairs = parse_arguments(words)
    except BadInput:
        return ContainerSpec(arguments=words)  # told where it matters: the local target does without them
    kept = []
    variables: dict[str, str | None] = {}
    for name, text in pairs:
        if name in VARIABLES:
            for variable, content in _read_variables(name, text, directory, read):
                variables.pop(variable, None)
                variables[variable] = content
        else:
            kept.append(f"{name}={_place(name, text, directory)}")
    return ContainerSpec(
        arguments=tuple(kept),
        variables=tuple((name, text) for name, text in variables.items() if text is not None),
        inherited=tuple(name for name, text in variables.items() if text is None),
    )


def _place(name: str, text: str, directory: str) -> str:
    try:
        if name == "--mount":
            return _mount_of_fields(text, directory)
        return read_mount(text, directory) if name == "--volume" else text
    except BadInput:
        return text


def _mount_of_fields(text: str, directory: str) -> str:
    """Give what `--mount type=bind,…` says with its source absolute."""
    fields = []
    for field in text.split(","):
        key, equals, path = field.partition("=")
        if key in {"source", "src"} and path.startswith((".", "~")):
            path = os.path.normpath(os.path.join(directory, os.path.expanduser(path)))
        fields.append(key + equals + path)
    return ",".join(fields)


def _read_variables(
    name: str, text: str, directory: str, read: Callable[[str], bytes]
) -> tuple[tuple[str, str | None], ...]:
    if name == "--env":
        variable, equals, content = text.partition("=")
        return ((variable, content if equals else None),)
    from localrun.formats.env_file import read_env_file
    from localrun.formats.gate import read_referenced

    path = os.path.normpath(os.path.join(directory, os.path.expanduser(text)))
    return read_env_file(read_referenced(path, read=read, shown=text), file=text)


def mount_of_fields(text: str) -> tuple[str, str]:
    """Give the option that `--mount type=…` stands for, `--volume` or `--tmpfs`, and its value.

    Raises:
        BadInput: it has a field that neither of them can say.
    """
    fields = {}
    for field in text.split(","):
        key, equals, content = field.partition("=")
        fields[_FIELDS.get(key.strip().lower(), key)] = content if equals else "true"
    kind, source, inside = (
        fields.pop(name, default) for name, default in (("type", "volume"), ("from", ""), ("to", ""))
    )
    read_only = fields.pop("readonly", "false").lower() in _TRUE
    propagation = fields.pop("bind-propagation", "")
    size, mode = fields.pop("tmpfs-size", ""), fields.pop("tmpfs-mode", "")
    if fields or kind not in {"bind", "volume", "tmpfs"} or not inside.startswith("/"):
        what = next(iter(fields), "") or (f"type={kind}" if inside else "")
        message = (
            f"the mount {text!r} has {what}, which is not known here" if what else f"{text!r} names no destination"
        )
        raise BadInput(message, hint="write type=bind,source=/host/folder,target=/inside, with readonly behind it")
    if kind == "tmpfs":
        options = [f"size={size}"] * bool(size) + [f"mode={mode}"] * bool(mode) + ["ro"] * read_only
        return "--tmpfs", ":".join((inside, ",".join(options))) if options else inside
    modes = ["ro"] * read_only + [propagation] * bool(propagation)
    return "--volume", ":".join(part for part in (source, inside, ",".join(modes)) if part)


_FIELDS = {
    "source": "from", "src": "from", "target": "to", "destination": "to", "dst": "to", "ro": "readonly",
}  # fmt: skip

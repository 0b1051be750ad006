"""Charts in files, by matplotlib, which is an extra: `pip install 'localrun[plot]'`."""

from __future__ import annotations

from localrun.errors import LocalrunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def write_chart(path: str, lines: Mapping[str, Sequence[tuple[float, float]]], title: str, across: str) -> None:
    """Write a chart with a line for each name; the kind of file follows from its ending.

    Raises:
        LocalrunError: matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        hint = "pip install 'localrun[plot]'; without -o it is drawn on the terminal"
        message = "a chart in a file needs matplotlib, which is not installed"
        raise LocalrunError(message, hint=hint, code="missing_extra") from None
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, line in lines.items():
        axes.plot([place[0] for place in line], [place[1] for place in line], label=_plain(name), linewidth=1.5)
    axes.set_title(_plain(title))
    axes.set_xlabel(across)
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise LocalrunError(f"{path} cannot be written: {error.strerror}", hint="name another", code="output") from None


def _plain(text: str) -> str:
    """Give a text that matplotlib does not read as a formula, nor leaves out of the legend."""
    return " " * text.startswith("_") + text.replace("$", r"\$")

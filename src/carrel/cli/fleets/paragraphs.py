"""Sentences that fit the terminal: wrapped at its width, whole in a pipe."""

import re
import sys
from collections.abc import Iterable
from textwrap import wrap

from carrel.cli.output import Output
from carrel.cli.table import width
from carrel.cli.wording import shown
from carrel.system import terminal

_PAINT = re.compile(r"\x1b\[\d+m")
_LEAST = 30


def paragraph(out: Output, head: str, text: str, *, indent: int = 0) -> None:
    """Print a text behind a head; its further lines stand under the text, or at an indent.

    Args:
        out: Where to.
        head: What the first line begins with; may be painted.
        text: The sentences.
        indent: How far further lines are moved in; 0: to where the text begins.
    """
    taken = width(_PAINT.sub("", head))
    if not sys.stdout.isatty():
        out.line(f"{head}{text}")
        return
    room = terminal.columns()
    under = indent or taken
    if room - under < _LEAST:
        under = 4
    lines = wrap(
        text,
        width=max(room, _LEAST),
        initial_indent="\0" * taken,
        subsequent_indent=" " * under,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]
    out.line(head + lines[0].lstrip("\0"))
    for line in lines[1:]:
        out.line(line)


def show_gaps(out: Output, gaps: Iterable[str]) -> None:
    """Print what could not be seen, a paragraph each."""
    for gap in gaps:
        paragraph(out, f"{out.style.yellow('!')} ", f"Not seen: {shown(gap)}")

"""Opening Carrel for one command."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carrel.control.context import Context


@contextmanager
def opened() -> Generator["Context"]:
    """Give a command what it works with, and end the resident processes afterwards."""
    from carrel.bootstrap import open_context

    ctx = open_context()
    try:
        yield ctx
    finally:
        ctx.close()

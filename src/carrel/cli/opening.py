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
    from carrel.control.starting import after_boot

    ctx = open_context()
    try:
        after_boot(ctx)
        yield ctx
    finally:
        ctx.close()

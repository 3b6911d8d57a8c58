"""Python's collector of cycles, put off while a great many values are made that all stay."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def put_off() -> Generator[None]:
    """Put the collector off for a while: it would look at every new value, again and again.

    It costs a third of a pass over a large fleet, and finds nothing: what is made are trees.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

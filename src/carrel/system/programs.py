"""Which program is running, as another one would start it."""

import os
import shutil
import sys


def carrel() -> tuple[str, ...]:
    """Return the words that start this very Carrel, by an absolute path."""
    called = os.path.abspath(sys.argv[0])
    if os.path.basename(called) == "carrel" and _runs(called):
        return (called,)
    beside = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "carrel")
    if _runs(beside):
        return (beside,)
    found = shutil.which("carrel")
    if found is not None:
        return (os.path.abspath(found),)
    return (os.path.abspath(sys.executable), "-m", "carrel")


def _runs(path: str) -> bool:
    """Tell whether a path is a program; a folder may be called carrel, too."""
    return os.path.isfile(path) and os.access(path, os.X_OK)

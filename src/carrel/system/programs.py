"""Which program is running, as another one would start it."""

import os
import shutil
import sys


def carrel() -> tuple[str, ...]:
    """Return the words that start this very Carrel, by an absolute path."""
    called = os.path.abspath(sys.argv[0])
    if os.path.basename(called) == "carrel" and os.access(called, os.X_OK):
        return (called,)
    beside = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "carrel")
    if os.access(beside, os.X_OK):
        return (beside,)
    found = shutil.which("carrel")
    if found is not None:
        return (os.path.abspath(found),)
    return (os.path.abspath(sys.executable), "-m", "carrel")

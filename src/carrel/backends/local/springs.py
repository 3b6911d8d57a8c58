"""The traps themselves: changes one thing of every kind in a tree; also runs as a program.

Standard library only, so that it can be run inside a namespace: `springs.py TREE RENAMES`.
"""

import os
import sys

LAYER_FILES = ("kept", "edited", "deleted", "moved/file", "again/old", "appended")


def make_layer(layer: str, marker: str, commit: str) -> None:
    """Write the layer that `spring` works on."""
    for name in ("", "/.git", "/moved", "/again"):
        os.mkdir(layer + name)
    _write(f"{layer}/{marker}", commit)
    for name in LAYER_FILES:
        _write(f"{layer}/{name}", "layer\n")
    os.symlink("kept", f"{layer}/link")


def spring(tree: str, *, renames: bool) -> str:
    """Change the tree; return what went wrong, or nothing."""
    for _ in range(2):  # the second opening is what fails when an upper is mounted twice
        with open(f"{tree}/appended", "a", encoding="ascii") as file:
            file.write("more\n")
            file.flush()
            os.fsync(file.fileno())
    _write(f"{tree}/edited", "changed\n")
    os.unlink(f"{tree}/deleted")
    _write(f"{tree}/new", "new\n")
    os.unlink(f"{tree}/again/old")
    os.rmdir(f"{tree}/again")
    os.mkdir(f"{tree}/again")
    _write(f"{tree}/again/new", "new\n")
    os.chmod(f"{tree}/kept", 0o755)  # noqa: S103 - a scratch file
    if renames:
        os.rename(f"{tree}/moved", f"{tree}/renamed")
    with open(f"{tree}/appended", encoding="ascii") as file:
        if file.read() != "layer\nmore\nmore\n":
            return "A file that was appended to twice has lost something."
    if os.path.exists(f"{tree}/deleted"):
        return "A file that was deleted is still there."
    return ""


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    try:
        problem = spring(sys.argv[1], renames=sys.argv[2] == "True")
    except OSError as error:
        problem = f"A mounted tree fails: {error}."
    sys.stdout.write(problem)

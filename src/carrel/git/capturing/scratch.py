"""A throwaway work tree that holds only what git needs to see for one question.

Git decides about ignore rules and conversions by reading files of the work tree. The real one
is in somebody else's hands (a FIFO or a link may stand where `.gitattributes` was a moment
ago), and some drivers show it to nobody outside. So git is asked about a copy of just the
rule files, read by us without following links.
"""

import os
import tempfile
from types import TracebackType
from typing import Self

from carrel.git.gateway import Git


class Scratch:
    """A folder of our own; a context that removes it again.

    Args:
        home: Folder in which it is made.
        vault: Git on the vault; its configuration is ours.
    """

    def __init__(self, home: bytes, vault: Git) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=".scratch-", dir=os.fsdecode(home))
        self.path = self._folder.name
        os.mkdir(f"{self.path}/tree")
        self.git = vault.with_(work_tree=f"{self.path}/tree", index=f"{self.path}/index")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def put(self, path: bytes, data: bytes) -> None:
        """Write a file of the work tree; `path` is one that git would accept."""
        whole = os.fsencode(self.path) + b"/tree/" + path
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as file:
            file.write(data)

    def folder(self, path: bytes) -> None:
        """Make a folder of the work tree."""
        os.makedirs(os.fsencode(self.path) + b"/tree/" + path, exist_ok=True)

    def get(self, path: bytes) -> bytes:
        """Return the bytes of a file of the work tree."""
        with open(os.fsencode(self.path) + b"/tree/" + path, "rb") as file:
            return file.read()

"""Fixtures of the tree engine's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carrel.testing.desk import Desk, make_desk

FILES = {
    "README": b"hello\n",
    "src/main.py": b"print(1)\n",
    "src/deep/er/file.txt": b"deep\n",
    "docs/a.md": b"a\n",
    "docs/b.md": b"b\n",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One workspace, started at a small commit."""
    made = make_desk(tmp_path, FILES)
    yield made
    made.stores.close()

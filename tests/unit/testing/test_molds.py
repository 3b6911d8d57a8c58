import os
import shutil
from pathlib import Path

import pytest

from carrel.testing.molds import Mold


def look(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return mode, time and content of everything; a link's time is its own making."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        seen = path.lstat()
        if path.is_symlink():
            found[str(path.relative_to(folder))] = (seen.st_mode, 0, os.readlink(path).encode())
        else:
            data = path.read_bytes() if path.is_file() else b""
            found[str(path.relative_to(folder))] = (seen.st_mode, seen.st_mtime_ns, data)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "deep/er").mkdir(parents=True)
    (made / "deep/er/program").write_bytes(b"#!/bin/sh\n")
    (made / "deep/er/program").chmod(0o755)
    (made / "secret").write_bytes(b"\0\xff")
    (made / "secret").chmod(0o400)
    (made / "link").symlink_to("nowhere")
    (made / "link to a folder").symlink_to("deep")
    os.utime(made / "secret", ns=(1, 1_700_000_000_123_456_789))
    os.utime(made / "deep", ns=(1, 1_600_000_000_000_000_001))
    (made / "deep").chmod(0o500)
    return made


def test_a_copy_has_contents_modes_times_and_links(folder: Path, tmp_path: Path) -> None:
    before = look(folder)
    mold = Mold(folder)
    (folder / "deep").chmod(0o700)
    shutil.rmtree(folder)
    for name in ("one", "above/two"):
        mold.write(tmp_path / name)
        assert look(tmp_path / name) == before


def test_what_is_there_is_not_written_over(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        Mold(folder).write(folder)


def test_what_cannot_be_copied_is_named(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(ValueError, match="pipe is neither"):
        Mold(folder)

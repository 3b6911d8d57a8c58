"""The dialects of upper directories, written by hand: no mount, no root needed."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from carrel.backends.local.upper import FUSE, KERNEL, USER, Dialect, read_upper
from carrel.domain.delta import Folder, Gone, Leaf, LeafKind
from carrel.errors import FailedError

TEST = Dialect(("user.overlay.",))


def keep(_: bytes) -> bool:
    return False


def layer(tmp_path: Path, *files: str) -> str:
    for name in files:
        path = tmp_path / "layer" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("layer")
    (tmp_path / "upper").mkdir()
    return str(tmp_path / "layer")


def whiteout(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o600, 0)


def read(
    tmp_path: Path, *lowers: str, dialect: Dialect = TEST, prune: Callable[[bytes], bool] = keep
) -> Folder:
    return read_upper(str(tmp_path / "upper"), lowers, dialect, prune)


def test_files_links_and_devices_are_told_apart(tmp_path: Path) -> None:
    lower, upper = layer(tmp_path, "f"), tmp_path / "upper"
    (upper / "f").write_text("new!")
    (upper / "f").chmod(0o755)
    (upper / "link").symlink_to("/etc/passwd")
    os.mkfifo(upper / "pipe")
    found = read(tmp_path, lower)
    source = os.fsencode(upper)
    assert found.base == b""
    assert found.children[b"f"] == Leaf(source + b"/f", LeafKind.FILE, executable=True, size=4)
    link = found.children[b"link"]
    assert link == Leaf(source + b"/link", LeafKind.LINK, executable=False, size=11)
    pipe = found.children[b"pipe"]
    assert isinstance(pipe, Leaf)
    assert pipe.kind is LeafKind.OTHER


def test_git_is_left_out_at_the_root_only(tmp_path: Path) -> None:
    lower, upper = layer(tmp_path, "f"), tmp_path / "upper"
    (upper / ".git").mkdir()
    (upper / "sub/.git").mkdir(parents=True)
    (upper / "sub/.git/config").write_text("x")
    found = read(tmp_path, lower).children
    assert set(found) == {b"sub"}
    sub = found[b"sub"]
    assert isinstance(sub, Folder)
    assert set(sub.children) == {b".git"}


def test_a_whiteout_is_gone(tmp_path: Path) -> None:
    lower = layer(tmp_path, "f")
    whiteout(tmp_path / "upper/f")
    assert read(tmp_path, lower).children == {b"f": Gone()}


@pytest.mark.parametrize(("dialect", "name"), [(USER, "user.overlay"), (FUSE, "user.overlay"),
                                               (FUSE, "user.fuseoverlayfs")])  # fmt: skip
def test_an_opaque_folder_shows_nothing_of_the_layer(
    tmp_path: Path, dialect: Dialect, name: str
) -> None:
    lower, upper = layer(tmp_path, "d/a"), tmp_path / "upper"
    (upper / "d").mkdir()
    os.setxattr(upper / "d", f"{name}.opaque", b"y")
    (upper / "d/b").write_text("b")
    folder = read(tmp_path, lower, dialect=dialect).children[b"d"]
    assert isinstance(folder, Folder)
    assert folder.base is None
    assert set(folder.children) == {b"b"}


def test_another_dialects_marks_mean_nothing(tmp_path: Path) -> None:
    lower, upper = layer(tmp_path, "d/a"), tmp_path / "upper"
    (upper / "d").mkdir()
    os.setxattr(upper / "d", "user.overlay.opaque", b"y")
    (upper / ".wh.d").write_text("")
    found = read(tmp_path, lower, dialect=KERNEL).children
    assert set(found) == {b".wh.d"}  # a file of that name; `d` was copied up without a change


def test_redirects_are_followed_into_the_layer(tmp_path: Path) -> None:
    lower, upper = layer(tmp_path, "a/b/f", "x/f"), tmp_path / "upper"
    (upper / "new/inner").mkdir(parents=True)
    os.setxattr(upper / "new", "user.overlay.redirect", b"/a")
    os.setxattr(upper / "new/inner", "user.overlay.redirect", b"b")
    (upper / "new/inner/more").write_text("more")
    new = read(tmp_path, lower).children[b"new"]
    assert isinstance(new, Folder)
    assert new.base == b"a"
    inner = new.children[b"inner"]
    assert isinstance(inner, Folder)
    assert inner.base == b"a/b"


def test_marks_of_an_overlay_inside_an_overlay(tmp_path: Path) -> None:
    lower, upper = layer(tmp_path, "d/a", "d/b"), tmp_path / "upper"
    (upper / "d").mkdir()
    os.setxattr(upper / "d", "user.overlay.opaque", b"x")
    (upper / "d/a").write_text("")
    os.setxattr(upper / "d/a", "user.overlay.whiteout", b"")
    (upper / "d/b").write_text("")
    folder = read(tmp_path, lower).children[b"d"]
    assert isinstance(folder, Folder)
    assert folder.base == b"d"
    assert folder.children[b"a"] == Gone()
    assert isinstance(folder.children[b"b"], Leaf)


def test_files_as_marks(tmp_path: Path) -> None:
    lower, upper = layer(tmp_path, "gone", "d/old", "again"), tmp_path / "upper"
    (upper / ".wh.gone").write_text("")
    (upper / ".wh.again").write_text("")
    (upper / "again").write_text("again")
    (upper / "d").mkdir()
    (upper / "d/.wh..wh..opq").write_text("")
    (upper / "d/new").write_text("new")
    found = read(tmp_path, lower, dialect=FUSE).children
    assert found[b"gone"] == Gone()
    assert isinstance(found[b"again"], Leaf)
    folder = found[b"d"]
    assert isinstance(folder, Folder)
    assert (folder.base, set(folder.children)) == (None, {b"new"})
    assert set(found) == {b"gone", b"again", b"d"}


def test_layers_hide_what_is_below_them(tmp_path: Path) -> None:
    bottom, upper = layer(tmp_path, "d/f", "e/f", "file"), tmp_path / "upper"
    top = tmp_path / "top"
    (top / "file").mkdir(parents=True)
    (top / "e").mkdir()
    os.setxattr(top / "e", "user.overlay.opaque", b"y")
    whiteout(top / "d")
    for name in ("d", "e", "file"):
        (upper / name).mkdir()
        (upper / name / "new").write_text("new")
    asked: list[bytes] = []
    found = read(tmp_path, str(top), bottom, prune=lambda path: bool(asked.append(path)))
    bases = {name: node.base for name, node in found.children.items() if isinstance(node, Folder)}
    assert bases == {b"d": None, b"e": b"e", b"file": b"file"}
    assert asked == [b"d"]


def test_a_pruned_folder_is_not_even_opened(tmp_path: Path) -> None:
    lower, upper = layer(tmp_path, "f"), tmp_path / "upper"
    for name in ("f", "new"):
        (upper / name).mkdir()
        (upper / name).chmod(0)
    try:
        found = read(tmp_path, lower, prune=lambda _: True).children
    finally:
        for name in ("f", "new"):
            (upper / name).chmod(0o700)
    assert found == {b"f": Gone()}  # a file of the layer stood where the pruned folder is


def test_bottomless_folders_are_refused_by_name(tmp_path: Path) -> None:
    lower, upper = layer(tmp_path, "f"), tmp_path / "upper"
    deep = upper / "deep" / "/".join("d" * 1 for _ in range(300))
    deep.mkdir(parents=True)
    with pytest.raises(FailedError) as caught:
        read(tmp_path, lower)
    assert caught.value.code == "tree_too_deep"
    assert read(tmp_path, lower, prune=lambda path: path == b"deep").children == {}


def test_a_missing_upper_directory_is_an_error_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FailedError) as caught:
        read(tmp_path, str(tmp_path))
    assert caught.value.code == "upper_unreadable"


def test_links_are_never_followed(tmp_path: Path) -> None:
    lower, upper = layer(tmp_path, "d/f"), tmp_path / "upper"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/secret").write_text("secret")
    (upper / "d").symlink_to(tmp_path / "elsewhere")
    node = read(tmp_path, lower).children[b"d"]
    assert isinstance(node, Leaf)
    assert node.kind is LeafKind.LINK

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carrel.errors import FailedError
from carrel.git.gateway import Git
from carrel.git.objects import EXECUTABLE, FILE, TREE, Entry, PackWriter, Reader
from carrel.git.trees import edit_tree


class Store:
    def __init__(self, path: Path) -> None:
        subprocess.run(["git", "init", "-q", "--template=", "--bare", path], check=True)
        self.git = Git(str(path))
        self.reader = Reader(self.git)
        self.writer = PackWriter(f"{path}/objects")

    def entry(self, text: str, mode: int = FILE) -> Entry:
        return Entry(mode, self.writer.blob(text.encode()))

    def edit(self, root: str, changes: Mapping[str, Entry | None]) -> str:
        encoded = {path.encode(): entry for path, entry in changes.items()}
        return edit_tree(self.reader, self.writer, root, encoded)

    def make(self, files: Mapping[str, str]) -> str:
        return self.edit(
            self.writer.tree(()), {path: self.entry(text) for path, text in files.items()}
        )

    def listing(self, root: str) -> dict[str, str]:
        self.writer.flush()
        out = self.git.run("ls-tree", "-r", "-t", "-z", root).out.decode()
        rows = [row.partition("\t") for row in out.split("\0") if row]
        return {path: about.split(" ")[0] for about, _, path in rows}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store(tmp_path / "store.git")
    yield one
    one.reader.close()


def test_a_new_path_makes_its_folders(store: Store) -> None:
    root = store.make({"a/b/c": "1", "a.b": "2"})
    assert store.listing(root) == {
        "a": "040000",
        "a/b": "040000",
        "a/b/c": "100644",
        "a.b": "100644",
    }
    store.git.run("fsck", "--strict", "--no-dangling")


def test_an_emptied_folder_goes_and_the_root_may_become_empty(store: Store) -> None:
    root = store.make({"a/b/c": "1", "d": "2"})
    assert store.listing(store.edit(root, {"a/b/c": None})) == {"d": "100644"}
    assert store.listing(store.edit(root, {"a/b/c": None, "d": None})) == {}


def test_a_file_becomes_a_folder_and_back(store: Store) -> None:
    root = store.make({"a": "1", "b": "2"})
    folder = store.edit(root, {"a": None, "a/x": store.entry("3")})
    assert store.listing(folder) == {"a": "040000", "a/x": "100644", "b": "100644"}
    assert store.edit(root, {"a/x": store.entry("3")}) == folder
    assert store.edit(folder, {"a/x": None, "a": store.entry("1")}) == root


def test_a_removed_folder_is_cleared_before_it_is_filled(store: Store) -> None:
    root = store.make({"a/old": "1", "b": "2"})
    edited = store.edit(root, {"a": None, "a/new": store.entry("3")})
    assert store.listing(edited) == {"a": "040000", "a/new": "100644", "b": "100644"}


def test_a_whole_folder_is_put_and_edited_on_top(store: Store) -> None:
    inner = store.make({"x": "1", "y": "2"})
    root = store.edit(store.make({"b": "2"}), {"a": Entry(TREE, inner), "a/x": None})
    assert store.listing(root) == {"a": "040000", "a/y": "100644", "b": "100644"}


def test_a_removal_of_what_is_not_there_changes_nothing(store: Store) -> None:
    root = store.make({"a": "1", "b/c": "2"})
    store.writer.flush()
    assert store.edit(root, {"a/b/c": None, "b/d": None, "e/f": None}) == root
    assert len(store.writer) == 0


def test_a_mode_alone_changes_the_tree(store: Store) -> None:
    root = store.make({"a": "1"})
    assert store.listing(store.edit(root, {"a": store.entry("1", EXECUTABLE)})) == {"a": "100755"}


@pytest.mark.parametrize("path", ["", "/a", "a//b", "a/"])
def test_a_path_with_an_empty_part_is_refused(store: Store, path: str) -> None:
    with pytest.raises(FailedError, match="no path inside a tree"):
        store.make({path: "1"})


def test_a_path_that_is_file_and_folder_is_refused(store: Store) -> None:
    with pytest.raises(FailedError, match="file and a folder at once"):
        store.make({"a": "1", "a/b": "2"})


def test_a_very_deep_path(store: Store) -> None:
    deep = "/".join(["d"] * 1500)
    root = store.make({deep: "1"})
    assert store.edit(root, {deep: None}) == store.writer.tree(())


NAMES = st.sampled_from(["a", "a.b", "a0", "b", "b-c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


def _apply(files: dict[str, str], changes: Mapping[str, str | None]) -> dict[str, str] | None:
    """What the files are after the changes; None when they clash."""
    after = {
        path: text
        for path, text in files.items()
        if not any(one is not None and path.startswith(f"{key}/") for key, one in changes.items())
    }
    for path, text in changes.items():
        after.pop(path, None)
        if text is None:
            after = {one: old for one, old in after.items() if not one.startswith(f"{path}/")}
    put = {path: text for path, text in changes.items() if text is not None}
    if any(one.startswith(f"{other}/") for one in put for other in put):
        return None
    above = {path[:at] for path in put for at in range(len(path)) if path[at] == "/"}
    return {path: text for path, text in after.items() if path not in above} | put


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(PATHS, st.sampled_from("123")),
    changes=st.dictionaries(PATHS, st.none() | st.sampled_from("123")),
)
def test_any_edit_gives_the_tree_that_the_files_would_make(
    store: Store, files: dict[str, str], changes: dict[str, str | None]
) -> None:
    start = _apply({}, files)
    if start is None:
        return
    expected = _apply(start, changes)
    if expected is None:
        return
    root = store.make(start)
    entries = {path: None if text is None else store.entry(text) for path, text in changes.items()}
    assert store.edit(root, entries) == store.make(expected)

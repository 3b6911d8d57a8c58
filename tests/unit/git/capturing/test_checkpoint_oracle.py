"""Random work in a tree: our tree is the one that `git add -A` makes, checkpoint by checkpoint."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from carrel.testing.desk import Desk, make_desk

FILES = {
    "a": b"a\n",
    "d/a": b"da\n",
    "d/e/a": b"dea\n",
    "d/e/b": b"deb\n",
    "k/a.log": b"kept\n",
    ".gitignore": b"*.tmp\nout/\n",
}
NAMES = st.sampled_from(["a", "b", "d", "e", "k", "out", "a.log", "x.tmp", "a b", "\xe9\n"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONTENT = st.sampled_from([b"", b"1\n", b"2\n", b"1\r\n2\r\n", b"\0\r\n", b"$Id$ x\n", b"$Id: y $"])
IGNORES = st.sampled_from([b"", b"*.log\n", b"/a\n", b"out/\n!out/k\n", b"d\n", b"*\n!*/\n!a\n"])
RULES = st.sampled_from(
    [b"* text=auto\n", b"* text\n", b"a -text\n", b"*.log ident\n", b"* eol=crlf\n", b"* -text\n"]
)
STEP = st.one_of(
    st.tuples(st.just("write"), PATHS, CONTENT),
    st.tuples(st.just("write"), PATHS, CONTENT),
    st.tuples(st.just("remove"), PATHS),
    st.tuples(st.just("link"), PATHS, PATHS),
    st.tuples(st.just("mode"), PATHS),
    st.tuples(st.just("move"), PATHS, PATHS),
    st.tuples(st.just("ignore"), st.sampled_from([".", "d", "d/e"]), IGNORES),
    st.tuples(st.just("rules"), st.sampled_from([".", "d"]), RULES),
    st.tuples(st.just("checkpoint")),
)


@example(steps=[("write", "b/a", b""), ("ignore", ".", b"*\n!*/\n!a\n")])
@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps=st.lists(STEP, min_size=1, max_size=14))
def test_a_checkpoint_is_what_git_would_record(steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = make_desk(Path(folder), FILES)
        try:
            for step in [*steps, ("checkpoint",)]:
                _do(desk, step)
        finally:
            desk.stores.close()


def _do(desk: Desk, step: tuple[object, ...]) -> None:
    match step:
        case ("checkpoint",):
            expected = desk.oracle()
            assert desk.capture().tree == expected
        case ("write", str(path), bytes(data)):
            _write(desk, path, data)
        case ("ignore", str(path), bytes(data)):
            _write(desk, f"{path}/.gitignore", data)
        case ("rules", str(path), bytes(data)):
            _write(desk, f"{path}/.gitattributes", data)
        case ("link" | "move" as what, str(path), str(target)):
            _link(desk, path, target) if what == "link" else _move(desk, path, target)
        case ("remove" | "mode" as what, str(path)) if _there(desk, path):
            _remove(desk.tree / path) if what == "remove" else _flip(desk.tree / path)


def _write(desk: Desk, path: str, data: bytes) -> None:
    if _free(desk, path):
        desk.write(path, data)


def _link(desk: Desk, path: str, target: str) -> None:
    if _free(desk, path):
        (desk.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (desk.tree / path).unlink(missing_ok=True)
        (desk.tree / path).symlink_to(target)


def _move(desk: Desk, path: str, target: str) -> None:
    if _there(desk, path) and _empty(desk, path, target):
        (desk.tree / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(desk.tree / path, desk.tree / target)


def _flip(path: Path) -> None:
    if path.is_file() and not path.is_symlink():
        path.chmod(0o644 if path.stat().st_mode & 0o100 else 0o755)


def _there(desk: Desk, path: str) -> bool:
    whole = desk.tree / path
    return _plain_above(desk, path) and (whole.exists() or whole.is_symlink())


def _free(desk: Desk, path: str) -> bool:
    """Tell whether a file can be put at a path."""
    whole = desk.tree / path
    return _plain_above(desk, path) and (whole.is_symlink() or not whole.is_dir())


def _empty(desk: Desk, path: str, target: str) -> bool:
    inside = target == path or target.startswith(f"{path}/")
    return not inside and _plain_above(desk, target) and not _there(desk, target)


def _plain_above(desk: Desk, path: str) -> bool:
    for above in (desk.tree / path).parents:
        if above == desk.tree:
            return True
        if above.is_symlink() or above.is_file():
            return False
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()

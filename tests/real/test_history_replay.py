"""Real history: where git merges cleanly, our tree is git's own.

Replays a real repository: this project's own, or the one that `CARREL_REPLAY` names, up to
`CARREL_REPLAY_MOST` merges of it (60 unless told). Its merge commits come first; then commits
are put onto older ones, as if written there, and merged into what came between, so that a
history without merges is replayed as well. A made-up history full of merges is replayed too.
"""

import os
import random
import subprocess
from pathlib import Path

import pytest

from carrel.domain.conflicts import Rules, Strategy
from carrel.errors import BadInputError
from carrel.git.gateway import Git
from carrel.git.merging.merge import merge
from carrel.git.objects import Entry, PackWriter, Reader
from carrel.git.trees import edit_tree

HERE = Path(__file__).parents[2]
REPOSITORY = Path(os.environ.get("CARREL_REPLAY", HERE))
MOST = int(os.environ.get("CARREL_REPLAY_MOST", "60"))
MARKERS = (b"\n<<<<<<< ", b"\n>>>>>>> ")


def _git(folder: Path, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(["git", "-C", folder, *arguments], check=False, capture_output=True)
    assert done.returncode in ok, done.stderr.decode()
    return done.stdout.decode(errors="surrogateescape").strip()


def _merges(folder: Path) -> list[tuple[str, str]]:
    out = _git(folder, "rev-list", "--all", "--min-parents=2", "--max-parents=2", "--parents")
    rows = [line.split() for line in out.splitlines()]
    return [(parent, child) for _, parent, child in rows][:MOST]


def _transplants(folder: Path, vault: Git, reader: Reader, most: int) -> list[tuple[str, str]]:
    """Put commits onto older ones, and pair them with a commit from between."""
    line = _git(folder, "rev-list", "--reverse", "--first-parent", "--no-merges", "HEAD").split()
    writer = PackWriter(f"{vault.git_dir}/objects", len(line[0]) // 2)
    dice = random.Random(len(line))
    pairs: list[tuple[str, str]] = []
    for _ in range(most if len(line) > 2 else 0):
        base, between, picked = sorted(dice.sample(range(len(line)), 3))
        out = vault.run(
            "diff-tree", "-r", "-z", "--raw", "--no-renames", line[picked] + "^", line[picked]
        ).out
        fields = out.split(b"\0")[:-1]
        changes = {
            path: None
            if row.endswith(b"D")
            else Entry(int(row.split()[1], 8), row.split()[3].decode())
            for row, path in zip(fields[::2], fields[1::2], strict=True)
        }
        tree = edit_tree(reader, writer, reader.commit(line[base]).tree, changes)
        writer.flush()
        child = vault.text("commit-tree", tree, "-p", line[base], stdin=b"transplanted\n")
        pairs.append((line[between], child))
    return pairs


@pytest.fixture
def vault(tmp_path: Path) -> Git:
    """Return an empty store of ours."""
    folder = tmp_path / "vault.git"
    subprocess.run(["git", "init", "-q", "--bare", folder], check=True)
    return Git(str(folder))


def _borrow(vault: Git, folder: Path) -> Reader:
    """Let the store see a repository's objects, as a vault sees its base."""
    common = Path(_git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    Path(vault.git_dir, "objects/info/alternates").write_text(f"{common}/objects\n")
    return Reader(vault)


def _scratch(folder: Path, work: Path, vault: Git) -> Path:
    """Clone for the reference; nothing is checked out before a merge needs it."""
    common = _git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir")
    _git(folder, "clone", "-q", "--shared", "--no-checkout", common, str(work))
    with (work / ".git/objects/info/alternates").open("a") as file:
        file.write(f"{vault.git_dir}/objects\n")
    for setting in ("user.name=A", "user.email=a@b", "merge.directoryRenames=conflict"):
        _git(work, "config", *setting.split("="))
    return work


def _by_git(work: Path, parent: str, child: str) -> str | None:
    """Merge in a checkout with `git merge`; the tree, or None for conflicts."""
    _git(work, "checkout", "-q", "-f", "--detach", parent)
    _git(work, "clean", "-q", "-f", "-d", "-x")
    done = subprocess.run(
        ["git", "-C", work, "merge", "-q", "--no-ff", "--no-commit", child],
        check=False,
        capture_output=True,
    )
    tree = _git(work, "write-tree") if done.returncode == 0 else None
    if tree is None:
        assert done.returncode == 1, done.stderr.decode()
    _git(work, "reset", "-q", "--hard")
    return tree


def _replay(vault: Git, reader: Reader, work: Path, merges: list[tuple[str, str]]) -> int:
    clean = 0
    for parent, child in merges:
        expected = _by_git(work, parent, child)
        try:
            merged = merge(vault, reader, parent, child, Rules(), merge_id="replay")
        except BadInputError:  # unrelated histories
            assert expected is None
            continue
        assert (expected is not None) == (merged.settlements == ()), (parent, child)
        if expected is not None:
            assert merged.tree == expected, (parent, child)
            clean += 1
            continue
        _settled(vault, reader, parent, child)
    return clean


def _settled(vault: Git, reader: Reader, parent: str, child: str) -> None:
    """Whatever strategy picks a side, each settled path is that side's own object."""
    for strategy in (Strategy.CHILD, Strategy.PARENT, Strategy.NEWEST_FILE_WINS):
        merged = merge(vault, reader, parent, child, Rules(strategy), merge_id="replay")
        origin = {str(one.winner) for one in merged.settlements}
        assert origin <= {"child", "parent"}
        changed = vault.run("diff-tree", "-r", "-z", "--raw", parent, merged.tree_id).out
        for row in changed.split(b"\0")[0:-1:2]:
            _, mode, _, oid, status = row.split(b" ")
            if not status.startswith(b"D") and mode != b"160000":
                data = b"\n" + reader.read(oid.decode())[1]
                assert not all(marker in data for marker in MARKERS) or _is_old(
                    vault, oid.decode(), parent, child
                )


def _is_old(vault: Git, oid: str, parent: str, child: str) -> bool:
    """Whether a file with markers came with one of the sides."""
    return any(
        oid in vault.text("ls-tree", "-r", "--format=%(objectname)", side)
        for side in (parent, child)
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_history_of_a_real_repository(vault: Git, tmp_path: Path) -> None:
    if not (REPOSITORY / ".git").exists() and not (REPOSITORY / "HEAD").exists():
        pytest.skip(f"{REPOSITORY} is no git repository (an archive without history)")
    reader = _borrow(vault, REPOSITORY)
    try:
        merges = _merges(REPOSITORY)
        merges += _transplants(REPOSITORY, vault, reader, MOST - len(merges))
        if not merges:
            pytest.skip(f"{REPOSITORY} has too short a history; name another by CARREL_REPLAY")
        clean = _replay(vault, reader, _scratch(REPOSITORY, tmp_path / "work", vault), merges)
    finally:
        reader.close()
    assert clean


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history in which three branches edit, add, delete, rename and merge each other."""
    folder = tmp_path_factory.mktemp("history")
    _git(folder, "init", "-q", "-b", "main")
    for setting in ("user.name=A", "user.email=a@b", "gc.auto=0"):
        _git(folder, "config", *setting.split("="))
    for number in range(12):
        file = folder / f"d{number % 3}" / f"f{number}"
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(f"file {number} line {line}\n" for line in range(30)))
    _commit(folder)
    for branch in ("one", "two"):
        _git(folder, "branch", branch)
    dice = random.Random(4)
    for step in range(24):
        branch, other = dice.sample(["main", "one", "two"], 2)
        _git(folder, "checkout", "-q", "-f", branch)
        for _ in range(2):
            _edit(folder, dice, f"{branch} {step}")
        _commit(folder)
        if step % 2:
            _git(folder, "merge", "-q", "--no-edit", "--no-ff", "-X", "ours", other, ok=(0, 1))
            _commit(folder)
    return folder


def _edit(folder: Path, dice: random.Random, word: str) -> None:
    files = sorted(
        file for file in folder.rglob("*") if file.is_file() and ".git" not in file.parts
    )
    file = dice.choice(files)
    act = dice.choice(["edit", "edit", "edit", "edit", "add", "delete", "rename"])
    if act == "edit":
        rows = file.read_text().splitlines()
        rows[dice.randrange(len(rows))] = f"by {word}"
        file.write_text("\n".join(rows) + "\n")
    elif act == "delete":
        file.unlink()
    else:
        new = file.with_name(f"{file.name}-{word.replace(' ', '-')}")
        new.write_text(f"new by {word}\n" if act == "add" else file.read_text())
        if act == "rename":
            file.unlink()


def _commit(folder: Path) -> None:
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "--allow-empty", "-m", "step")


def test_a_made_up_history(vault: Git, history: Path, tmp_path: Path) -> None:
    merges = _merges(history)
    assert len(merges) >= 8
    tips = _git(history, "rev-parse", "main", "one", "two").split()
    merges += [(one, other) for one in tips for other in tips if one < other]
    reader = _borrow(vault, history)
    try:
        clean = _replay(vault, reader, _scratch(history, tmp_path / "work", vault), merges)
    finally:
        reader.close()
    assert 0 < clean < len(merges)

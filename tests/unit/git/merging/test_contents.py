"""What both sides changed in one file: judged as git judges it, or not at all."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.merge_vault import Vault

from carrel.git.merging import contents
from carrel.git.merging.contents import judge, runs_of
from carrel.git.merging.mergetree import merge_tree
from carrel.git.merging.sides import Triple
from carrel.git.objects import FILE, Entry


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return Vault(tmp_path_factory.mktemp("contents") / "vault.git")


def text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


BASE = text("a", "b", "c", "d", "e", "f")


def judged(base: str, parent: str, child: str) -> str | None:
    """Say `None` for what git must be asked, `clash`, or the merged text."""
    runs = runs_of(base.encode(), parent.encode(), child.encode())
    if runs is None:
        return None
    first, second = sorted(runs, key=lambda run: (run.start, run.end))
    if first.end >= second.start:
        return "clash"
    return contents.joined(base.encode(), first, second).decode()


@pytest.mark.parametrize(
    ("parent", "child", "answer"),
    [
        (BASE + "p\n", BASE + "c1\n", "clash"),
        (BASE + "p\n", BASE + "p\nq\n", "clash"),
        (BASE.replace("c", "p"), BASE.replace("c", "q"), "clash"),
        (BASE.replace("c", "p"), BASE.replace("d", "q"), "clash"),
        (BASE.replace("c\n", ""), BASE.replace("c", "q"), "clash"),
        (BASE.replace("b", "p"), BASE.replace("d", "q"), text("a", "p", "c", "q", "e", "f")),
        (BASE.replace("e", "p"), BASE.replace("b\n", ""), text("a", "c", "d", "p", "f")),
        ("p\n" + BASE, BASE + "q", "p\n" + BASE + "q"),
        (BASE.rstrip("\n"), BASE.replace("a", "q"), text("q", "b", "c", "d", "e") + "f"),
        (BASE.replace("b", "p").replace("e", "p2"), BASE.replace("c", "q"), None),  # two runs
        (BASE + "a\n", BASE + "q\n", None),  # a line that stands elsewhere
        (BASE.replace("b", "p\r"), BASE.replace("d", "q"), text("a", "p\r", "c", "q", "e", "f")),
        (BASE.replace("c", "p\rp"), BASE.replace("c", "q\rp"), "clash"),
        (BASE.replace("c", "\0"), BASE.replace("c", "q"), None),  # binary
    ],
)
def test_one_run_each(parent: str, child: str, answer: str | None) -> None:
    assert judged(BASE, parent, child) == answer
    assert judged(BASE, child, parent) == answer


def test_where_lines_repeat_git_is_asked() -> None:
    same = text("x", "x", "x", "x")
    assert judged(same, same + "p\n", same + "q\n") is None
    twice = text("a", "b", "b", "c")
    assert judged(twice, text("a", "b", "c"), twice.replace("a", "q")) is None
    head = text("b", "b", "c", "d")
    assert judged(head, head.replace("c", "p"), head + "q\n") is None


# Few different lines, so that they repeat, move and meet.
LINE = st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "", "a", "}"])
FILES = st.lists(
    st.tuples(st.lists(LINE, max_size=9), st.integers(0, 2**32), st.booleans()),
    min_size=20,
    max_size=40,
)


def altered(lines: list[str], rng: random.Random) -> list[str]:
    """Replace one run of lines, mostly by new ones, now and then two runs."""
    changed = list(lines)
    for _ in range(1 if rng.random() < 0.8 else 2):
        start = rng.randint(0, len(changed))
        end = min(len(changed), start + rng.choice([0, 0, 1, 1, 2, 3]))
        pool = ["new", "newer", "newest"] if rng.random() < 0.8 else ["a", "b", "}", "new"]
        changed[start:end] = [rng.choice(pool) for _ in range(rng.choice([0, 1, 1, 2]))]
    return changed


@settings(suppress_health_check=list(HealthCheck))
@given(files=FILES)
def test_git_says_the_same(vault: Vault, files: list[tuple[list[str], int, bool]]) -> None:
    trees: tuple[dict[str, str], ...] = ({}, {}, {})
    answers: dict[str, str] = {}
    for number, (lines, seed, ended) in enumerate(files):
        rng = random.Random(seed)
        three = [lines, altered(lines, rng), altered(lines, rng)]
        versions = ["\n".join(one) + ("\n" if ended and one else "") for one in three]
        if len(set(versions)) < len(versions):
            continue
        answer = judged(*versions)
        for tree, version in zip(trees, versions, strict=True):
            tree[f"f{number:02}"] = version
        if answer is not None:
            answers[f"f{number:02}"] = answer
    base = vault.commit(trees[0])
    parent, child = (vault.commit(tree, base) for tree in trees[1:])
    vault.writer.flush()
    outcome = merge_tree(vault.git, parent, child)
    clashing = {stage.path.decode() for stage in outcome.stages}
    merged = vault.reader.tree(outcome.tree) if outcome.tree else {}
    for name, answer in answers.items():
        if answer == "clash":
            assert name in clashing
        else:
            assert name not in clashing
            assert vault.reader.read(merged[name.encode()].oid)[1].decode() == answer
    vault.reader.close()


def test_large_files_are_left_to_git(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    oids = [vault.writer.blob(BASE.replace("c", word).encode()) for word in ("c", "p", "q")]
    vault.writer.flush()
    triple = Triple(*(Entry(FILE, oid) for oid in oids))
    found = judge(vault.reader, {b"f": triple})
    assert found is not None
    assert found.clashing == [b"f"]
    monkeypatch.setattr(contents, "_LARGE", 11)
    assert judge(vault.reader, {b"f": triple}) is None
    vault.reader.close()

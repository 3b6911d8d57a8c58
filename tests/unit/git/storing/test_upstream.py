"""Following where a project came from, and names of commits."""

import os

import pytest

from carrel.errors import BadInputError, NotFoundError, RefusedError
from carrel.git import refs
from carrel.git.landing import landing
from carrel.git.storing import upstream
from carrel.git.storing.upstream import News


def test_a_branch_is_followed(bench) -> None:
    clone, st, project = bench.clone, bench.stores, bench.project
    assert upstream.refresh(st, project, "main") == clone.tip("main")
    new = clone.commit("more", d="4")
    clone.git("branch", "side", "HEAD~1")
    assert upstream.refresh(st, project, "main") == new
    assert st.base_reader.info(new) is not None
    assert refs.tip(st.base, "refs/heads/main") == new
    assert refs.tip(st.base, "refs/heads/side") == clone.tip("side")  # came along


def test_an_unchanged_tip_costs_no_process(bench, monkeypatch) -> None:
    st, project = bench.stores, bench.project
    first = upstream.refresh(st, project, "main")
    monkeypatch.setenv("PATH", "/nowhere")  # no git can be started
    assert upstream.refresh(st, project, "main") == first


def test_packed_references_are_read_and_noticed(bench) -> None:
    clone, st, project = bench.clone, bench.stores, bench.project
    clone.git("pack-refs", "--all")
    assert upstream.refresh(st, project, "main") == clone.tip("main")
    new = clone.commit()
    clone.git("pack-refs", "--all")
    assert upstream.refresh(st, project, "main") == new


def test_a_symbolic_branch_is_followed(bench) -> None:
    clone, st, project = bench.clone, bench.stores, bench.project
    clone.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    assert upstream.refresh(st, project, "alias") == clone.tip("main")


def test_a_rewritten_branch_is_followed_and_the_old_commit_stays(bench) -> None:
    clone, st, project = bench.clone, bench.stores, bench.project
    old = upstream.refresh(st, project, "main")
    clone.git("commit", "-q", "--amend", "-m", "other")
    assert upstream.refresh(st, project, "main") == clone.tip("main") != old
    assert st.base_reader.info(old) is not None


def test_a_folder_of_branches_may_become_a_branch(bench) -> None:
    clone, st, project = bench.clone, bench.stores, bench.project
    clone.git("branch", "a")
    upstream.fetch_all(st, project)
    clone.git("branch", "-D", "a")
    clone.git("branch", "a/b")
    upstream.fetch_all(st, project)
    assert set(refs.listing(st.base, "refs/heads/")) == {"refs/heads/main", "refs/heads/a/b"}
    clone.git("branch", "-D", "a/b")
    clone.git("branch", "a")
    assert upstream.refresh(st, project, "a") == clone.tip("a")


def test_a_missing_branch_and_a_gone_repository(bench, tmp_path) -> None:
    st, project = bench.stores, bench.project
    with pytest.raises(NotFoundError) as caught:
        upstream.refresh(st, project, "nope")
    assert caught.value.code == "branch_missing"
    bench.clone.path.rename(tmp_path / "moved")
    with pytest.raises(NotFoundError) as gone:
        upstream.refresh(st, project, "main")
    assert gone.value.code == "repository_gone"


def test_new_alternates_are_refused_at_the_next_import(bench, make_clone) -> None:
    stranger = make_clone("stranger")
    secret = stranger.commit("secret", s="1")
    (bench.clone.path / ".git/objects/info/alternates").write_text(
        f"{stranger.path}/.git/objects\n"
    )
    bench.clone.git("update-ref", "refs/heads/leak", secret)
    with pytest.raises(RefusedError) as caught:
        upstream.refresh(bench.stores, bench.project, "leak")
    assert caught.value.code == "foreign_objects"
    assert bench.stores.base_reader.info(secret) is None


def test_a_pipe_in_place_of_a_branch_is_no_trap(bench) -> None:
    os.mkfifo(bench.clone.path / ".git/refs/heads/pipe")
    with pytest.raises(RefusedError) as direct:
        upstream.refresh(bench.stores, bench.project, "pipe")
    assert direct.value.code == "repository_unsafe"
    bench.clone.commit()
    with pytest.raises(RefusedError) as caught:
        upstream.refresh(bench.stores, bench.project, "main")
    assert caught.value.code == "repository_unsafe"


def test_names_of_commits(bench) -> None:
    clone, st, project = bench.clone, bench.stores, bench.project
    first = clone.tip("main")
    second = clone.commit("second")
    clone.git("tag", "-a", "v1", "-m", "one", first)
    clone.git("update-ref", "refs/remotes/origin/feature", second)
    for name, expected in {
        "main": second,
        "v1": first,
        "origin/feature": second,
        "feature": second,
        "refs/heads/main": second,
        "heads/main": second,
        "HEAD": second,
        "main~1": first,
        "main^": first,
        second: second,
        first[:10]: first,
    }.items():
        assert upstream.resolve(st, project, name) == expected, name
    assert st.in_base(second)


def test_a_branch_comes_before_a_tag_and_before_an_id(bench) -> None:
    clone, st, project = bench.clone, bench.stores, bench.project
    first, second = clone.tip("main"), clone.commit("second")
    clone.git("tag", "same", first)
    clone.git("branch", "same", second)
    clone.git("branch", first[:8], second)
    assert upstream.resolve(st, project, "same") == second
    assert upstream.resolve(st, project, first[:8]) == second


def test_a_commit_that_only_the_vault_has(bench) -> None:
    mine = bench.merge(bench.clone.tip("main"), {b"x": b"1"})
    assert upstream.resolve(bench.stores, bench.project, mine[:12]) == mine


@pytest.mark.parametrize(
    "name",
    [
        "-x", "--all", "main@{1}", "@{-1}", "@", ":/first", "main:a.txt", "HEAD^{/first}",
        "a..b", "main^{tree}", "", "a b", "main\n", "^main", "main~1234567", "../x", "x.lock",
    ],
)  # fmt: skip
def test_a_name_with_surprises_is_refused(bench, name: str) -> None:
    with pytest.raises(BadInputError) as caught:
        upstream.resolve(bench.stores, bench.project, name)
    assert caught.value.code == "bad_revision"


def test_an_unknown_name(bench) -> None:
    for name in ("nope", "1234567", "f" * 40, bench.clone.tip("main:a.txt")):
        with pytest.raises(NotFoundError) as caught:
            upstream.resolve(bench.stores, bench.project, name)
        assert caught.value.code == "unknown_revision"


def test_where_a_workspace_starts(bench) -> None:
    clone, st, project = bench.clone, bench.stores, bench.project
    tip = clone.tip("main")
    clone.git("tag", "v1")
    assert upstream.start(st, project, "main", fetch=True) == (tip, "main")
    assert upstream.start(st, project, "v1", fetch=False) == (tip, None)
    assert upstream.start(st, project, tip[:9], fetch=False) == (tip, None)


def test_taken_names(bench) -> None:
    clone, st, project = bench.clone, bench.stores, bench.project
    clone.git("branch", "carrel/Ada")
    clone.git("branch", "packed/x")
    clone.git("pack-refs", "--all")
    clone.git("branch", "loose/Y")
    for name in ("carrel/ada", "PACKED/X", "loose/y", "packed", "loose", "packed/x/z", "loose/Y/z"):
        assert upstream.branch_exists(st, project, name), name
    for name in ("carrel/ada-2", "pack"):
        assert not upstream.branch_exists(st, project, name), name


# --- a project registered by URL ---------------------------------------------------------


def test_a_remote_is_asked_only_on_demand(url_bench) -> None:
    clone, st, project = url_bench.clone, url_bench.stores, url_bench.project
    old, new = clone.tip("main"), clone.commit("more")
    assert upstream.refresh(st, project, "main") == old
    assert upstream.refresh(st, project, "main", fetch=True) == new
    assert upstream.start(st, project, "origin/main", fetch=False) == (new, None)


def test_an_unreachable_remote_is_told_and_what_is_known_is_used(url_bench, tmp_path) -> None:
    known = url_bench.clone.tip("main")
    url_bench.clone.path.rename(tmp_path / "away")
    said: list[str] = []
    news = News(fetch=True, say=said.append)
    assert upstream.refresh(url_bench.stores, url_bench.project, "main", news=news) == known
    assert "away" not in said[0]
    assert len(said) == 1


def test_the_landed_line_stays_when_lines_part(url_bench) -> None:
    clone, st, project = url_bench.clone, url_bench.stores, url_bench.project
    first = clone.tip("main")
    landed = url_bench.merge(first, {b"x": b"1"})
    assert landing.land(st, project, "main", landed, expected=first)
    assert upstream.parted(st, project, "main") is None  # ahead only
    assert upstream.refresh(st, project, "main", fetch=True) == landed
    theirs = clone.commit("theirs", t="1")
    assert upstream.refresh(st, project, "main", fetch=True) == landed
    assert upstream.parted(st, project, "main") == theirs
    with pytest.raises(RefusedError) as caught:
        landing.tip(st, project, "main", fetch=True)
    assert caught.value.code == "branch_parted"


def test_a_branch_deleted_at_the_remote_keeps_its_landed_line(url_bench) -> None:
    clone, st, project = url_bench.clone, url_bench.stores, url_bench.project
    clone.git("branch", "side")
    upstream.fetch_all(st, project)
    clone.git("branch", "-D", "side")
    upstream.fetch_all(st, project)
    assert refs.tip(st.base, "refs/remotes/origin/side") is None
    assert refs.tip(st.base, "refs/heads/side") == clone.tip("main")

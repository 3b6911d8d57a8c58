"""What a person may name as the source of a project."""

import os
from pathlib import Path

import pytest

from carrel.domain.projects import SourceKind
from carrel.errors import BadInputError, CarrelError, NotFoundError, RefusedError
from carrel.git.storing import sources


def test_any_folder_of_a_repository_names_it(clone) -> None:
    for place in (clone.path, clone.path / "dir", clone.path / ".git"):
        found = sources.parse(str(place))
        assert (found.kind, found.location) == (SourceKind.PATH, str(clone.path))
        assert found.name == "clone"


def test_a_linked_worktree_names_the_main_repository(clone, tmp_path: Path) -> None:
    clone.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    assert sources.parse(str(tmp_path / "linked")).location == str(clone.path)


def test_a_bare_repository_and_a_separated_git_directory(clone, tmp_path: Path) -> None:
    clone.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    assert sources.parse(str(tmp_path / "bare.git")).name == "bare"
    clone.git("clone", "-q", "--separate-git-dir", str(tmp_path / "gd"), ".", str(tmp_path / "s"))
    found = sources.discover(str(tmp_path / "s"))
    assert found == sources.Repository(str(tmp_path / "s"), str(tmp_path / "gd"))


def test_a_link_to_a_repository_is_the_repository(clone, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(clone.path)
    assert sources.parse(str(tmp_path / "link")).location == str(clone.path)


def test_what_is_not_a_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        sources.parse(str(tmp_path))
    assert caught.value.code == "not_a_repository"
    with pytest.raises(NotFoundError) as missing:
        sources.parse(str(tmp_path / "nowhere"))
    assert missing.value.code == "path_missing"
    assert missing.value.cure


@pytest.mark.parametrize(
    "source",
    [
        "-u./evil",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c 'touch /tmp/x'",
        "fd::17",
        "EXT::sh",
        "ftp://host/x",
        "https://",
        "https:///path",
        "ssh://-oProxyCommand=x/y",
        "ssh://-lroot@host/x",
        "git@-oProxyCommand=x:y",
        "-lx@host:path",
        "host:-path",
        "https://host/x?token=abc",
        "https://host/x#frag",
        "https://ho st/x",
        "https://host:99999/x",
        "file://other/path",
        "a\nb",
        "",
        "https://host/\x00",
    ],
)
def test_a_dangerous_source_is_refused(source: str) -> None:
    with pytest.raises(CarrelError) as caught:
        sources.parse(source)
    assert caught.value.code in {"bad_source", "credential_unusable"}
    assert caught.value.cure


@pytest.mark.parametrize(
    ("source", "location", "name"),
    [
        ("https://host.example/a/b.git", "https://host.example/a/b.git", "b"),
        ("HTTPS://Host.example:8443/b", "https://host.example:8443/b", "b"),
        ("ssh://git@host.example/b.git", "ssh://git@host.example/b.git", "b"),
        ("git@host.example:a/b.git", "git@host.example:a/b.git", "b"),
        ("host.example:b", "host.example:b", "b"),
        ("git://[::1]:99/b/", "git://[::1]:99/b/", "b"),
        ("file:///srv/x.git", "file:///srv/x.git", "x"),
    ],
)
def test_a_url_is_kept_as_it_is(source: str, location: str, name: str) -> None:
    found = sources.parse(source)
    assert (found.kind, found.location, found.name) == (SourceKind.URL, location, name)
    assert found.credential is None


def test_a_credential_is_taken_out_of_a_url_and_shown_nowhere() -> None:
    found = sources.parse("https://ada:s%40cret@host.example/b.git")
    assert found.location == "https://host.example/b.git"
    assert found.credential == sources.Credential("ada", "s@cret")
    assert "s@cret" not in repr(found)
    token = sources.parse("https://ghp_secret@host.example/b.git")
    assert token.location == "https://host.example/b.git"
    assert "ghp_secret" not in repr(token)


@pytest.mark.parametrize(
    "source",
    [
        "ssh://ada:s3cret@host/x",
        "ada:s3cret@host:path",
        "git://s3cret@host/x",
        "file://u:s3cret@localhost/x",
        "https://u:s3cret@host/x?y=z",
        "https://u:s3cret@host:notaport/x",
        "ftp://u:s3cret@host/x",
    ],
)
def test_no_error_shows_a_credential(source: str) -> None:
    with pytest.raises(CarrelError) as caught:
        sources.parse(source)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(caught.value.__cause__)


def test_reading_a_small_file_never_waits_and_follows_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "huge").write_bytes(b"x" * 70_000)
    assert sources.read_bounded(str(tmp_path / "file")) == b"x"
    for name in ("pipe", "link", "huge", "missing", "."):
        assert not sources.read_bounded(str(tmp_path / name))


@pytest.mark.parametrize("name", ["HEAD", "index", "packed-refs", "shallow", "logs/HEAD"])
@pytest.mark.parametrize("where", [".git", ".git/worktrees/other"])
def test_a_pipe_that_is_planted_later_is_named_before_git_waits_at_it(clone, name, where) -> None:
    clone.git("worktree", "add", "-q", "../other")
    place = clone.path / where / name
    sources.repository(str(clone.path))
    if where != ".git" and name in {"packed-refs", "shallow"}:
        return  # of all worktrees in common
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    with pytest.raises(RefusedError, match=name) as caught:
        sources.repository(str(clone.path))
    assert caught.value.code == "repository_unsafe"


@pytest.mark.parametrize("name", ["info/alternates", "pack/pack-x.idx", "info/commit-graph"])
def test_a_pipe_among_the_objects_that_is_planted_later_too(clone, name) -> None:
    os.mkfifo(clone.path / ".git/objects" / name)
    with pytest.raises(RefusedError, match=name):
        sources.repository(str(clone.path))

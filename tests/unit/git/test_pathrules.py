"""Names that git refuses: git itself is the judge."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel.git.pathrules import refused_name

REFUSED = [
    b".git", b".GIT", b".Git", b".git ", b".git.", b".git...", b".git . ", b"git~1", b"GIT~1",
    b"git~1 ", b".git::$INDEX_ALLOCATION", b".git:stream", b"git~1:x", b"a\\.git", b".git\\x",
    b"a\\git~1\\b", ".g\u200cit".encode(), "\u200d.git".encode(), ".gi\ufefft".encode(),
    ".G\u206ait".encode(), b".", b"..",
]  # fmt: skip
ALLOWED = [
    b".gitignore", b".gitmodules", b".github", b"git", b"git~2", b"git~10", b".gitx", b"x.git",
    b".git-", b"..git", b"...", b".. ", b"-x", b"a b", b"\xff\xfe", b"a\\b", b"new\nline", b'"',
    ".g\u00efit".encode(), b"\xe2\x80", b".gi", b"git~", b" .git",
]  # fmt: skip
MODULES = [
    b".gitmodules", b".GITMODULES", b".gitmodules ", b".gitmodules:x", b"gitmod~1", b"GITMOD~4",
    b"gi7eba~1", b"gi7eb~10", b"gi7eb~99", b"gi7e~123", b"~1000000", b"g~100000",
    b"gi7eba~9. ", ".gitmod\u200cules".encode(), b"x\\.gitmodules",
]  # fmt: skip
NOT_MODULES = [
    b"gitmod~5", b"gi7eba~0", b"gi7eb~1", b"gi7eba~10", b"~100000", b"~10000000", b"gitmodules",
    b".gitmodule", b".gitmodulesx", b".gitattributes",
]  # fmt: skip


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository without anything; nothing is stored by asking."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run(["git", "init", "-q", "--template=", "--bare", str(folder)], check=True)
    return folder


def git_refuses(folder: Path, name: bytes, *, link: bool = False) -> bool:
    """Ask git: does it take the name into an index, with both protections on?"""
    mode, blob = ("120000" if link else "100644"), "1" * 40
    done = subprocess.run(
        ["git", "-c", "core.protectHFS=true", "-c", "core.protectNTFS=true", "update-index",
         "--add", "--replace", "-z", "--index-info"],
        cwd=folder,
        input=f"{mode} {blob} 0\t".encode() + name + b"\0",
        capture_output=True,
        check=False,
        env={"GIT_DIR": str(folder), "GIT_INDEX_FILE": str(folder / "i"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=folder, capture_output=True, check=True,
        env={"GIT_DIR": str(folder), "GIT_INDEX_FILE": str(folder / "i"), "PATH": "/usr/bin:/bin"},
    ).stdout  # fmt: skip
    (folder / "i").unlink(missing_ok=True)
    return done.returncode != 0 or name not in listed.split(b"\0")


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_git_and_by_us(bare: Path, name: bytes) -> None:
    assert refused_name(name)
    assert git_refuses(bare, name)


@pytest.mark.parametrize("name", [b"", b"a/b", b"a\0b"])
def test_what_is_no_name_at_all_is_refused(name: bytes) -> None:
    assert refused_name(name)


@pytest.mark.parametrize("name", ALLOWED)
def test_taken_by_git_and_by_us(bare: Path, name: bytes) -> None:
    assert refused_name(name) is None
    assert not git_refuses(bare, name)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_list_may_be_a_file_but_no_link(bare: Path, name: bytes) -> None:
    assert refused_name(name) is None
    assert refused_name(name, link=True)
    assert git_refuses(bare, name, link=True)
    assert not git_refuses(bare, name)


@pytest.mark.parametrize("name", NOT_MODULES)
def test_other_names_may_be_links(bare: Path, name: bytes) -> None:
    assert refused_name(name, link=True) is None
    assert not git_refuses(bare, name, link=True)


PARTS = st.sampled_from(
    [b".git", b"git", b"~1", b"~", b"1", b"gi7eba", b"gitmod", b"modules", b" ", b".", b":", b"\\",
     b"x", b"G", "\u200c".encode(), b"\xff"]
)  # fmt: skip


@given(parts=st.lists(PARTS, min_size=1, max_size=5), link=st.booleans())
def test_made_up_names_are_judged_as_git_does(bare: Path, parts: list[bytes], link: bool) -> None:
    name = b"".join(parts)
    refused = refused_name(name, link=link) is not None
    if name.startswith(b"\\"):  # git overlooks a backslash at the very beginning; we don't
        assert refused or not git_refuses(bare, name, link=link)
    else:
        assert refused == git_refuses(bare, name, link=link)

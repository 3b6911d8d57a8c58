"""Line ends, `$Id$` and encodings: stored as git would store them."""

from pathlib import Path

import pytest

from carrel.testing.desk import Desk, make_desk

BODIES = {
    "lf": b"1\n2\n",
    "crlf": b"1\r\n2\r\n",
    "mixed": b"1\r\n2\n",
    "lone": b"1\r2\n",
    "binary": b"\0\r\n1\r\n",
    "id": b"$Id: abc $\n",
    "id-crlf": b"$Id: abc $\r\n",
    "empty": b"",
}
RULES = [
    b"* text=auto\n", b"* text\n", b"* -text\n", b"* eol=crlf\n", b"* eol=lf\n", b"* ident\n",
    b"* text=auto ident\n", b"[attr]win text eol=crlf\n* win\n", b"* crlf\n", b"* crlf=input\n",
    b"lf text\ncrlf -text\n", b"* text=auto eol=crlf\n",
]  # fmt: skip


@pytest.mark.parametrize("rules", RULES)
def test_what_git_would_store(desk: Desk, rules: bytes) -> None:
    desk.write(".gitattributes", rules)
    for name, body in BODIES.items():
        desk.write(name, body)
        desk.write(f"sub/{name}\n", body)
    captured = desk.capture()
    assert captured.tree == desk.oracle()
    for name, body in BODIES.items():  # again, now that git has a version of each
        desk.write(name, body + b"more\r\n")
    assert desk.capture().tree == desk.oracle()


def test_the_trap_is_real(desk: Desk) -> None:
    """Storing the bytes as they are, as `hash-object --no-filters` does, differs from git."""
    desk.write(".gitattributes", b"* text=auto\n")
    desk.write("x", b"1\r\n")
    raw = desk.git("hash-object", "--no-filters", "x")
    assert raw != desk.git("hash-object", "--path=x", "x")
    assert desk.files(desk.capture().tree)["x"][1] == b"1\n"


def test_cr_lf_that_git_holds_already_stays(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, {"x": b"1\r\n", "a": b"1"})
    desk.write(".gitattributes", b"* text=auto\n")
    desk.write("x", b"1\r\n2\r\n")
    desk.write("new", b"1\r\n")
    files = desk.files(desk.capture().tree)
    assert files["x"][1] == b"1\r\n2\r\n"
    assert files["new"][1] == b"1\n"
    desk.stores.close()


def test_encodings(desk: Desk) -> None:
    desk.write(".gitattributes", b"a.txt working-tree-encoding=UTF-16LE\n")
    desk.write("a.txt", "h\u00e9llo\n".encode("utf-16-le"))
    captured = desk.capture()
    assert desk.files(captured.tree)["a.txt"][1] == "h\u00e9llo\n".encode()
    assert captured.tree == desk.oracle()


def test_what_cannot_be_converted_is_kept_as_it_is_and_named(desk: Desk) -> None:
    desk.write(".gitattributes", b"*.txt working-tree-encoding=UTF-16\n")
    desk.write("bad.txt", b"odd")
    desk.write("good.txt", "x".encode("utf-16"))
    captured = desk.capture()
    files = desk.files(captured.tree)
    assert files["bad.txt"][1] == b"odd"
    assert files["good.txt"][1] == b"x"
    assert [path for path, _ in captured.skipped] == ["bad.txt"]


def test_content_that_the_store_has_already_is_found(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, {".gitattributes": b"* text=auto\n", "x": b"1\n2\n"})
    desk.write("x", b"1\r\n2\r\n")
    captured = desk.capture()
    assert captured.empty
    desk.stores.close()


def test_pointers_of_large_files_need_no_line(desk: Desk) -> None:
    desk.write(".gitattributes", b"*.bin filter=lfs diff=lfs merge=lfs -text\n")
    desk.write("pointer.bin", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    desk.write("whole.bin", b"\0" * 100)
    captured = desk.capture()
    assert [path for path, _ in captured.skipped] == ["whole.bin"]
    assert desk.files(captured.tree)["whole.bin"][1] == b"\0" * 100


def test_attributes_below_a_folder_count_there_only(desk: Desk) -> None:
    desk.write("docs/.gitattributes", b"* text\n")
    desk.write("docs/x", b"1\r\n")
    desk.write("src/x", b"1\r\n")
    files = desk.files(desk.capture().tree)
    assert (files["docs/x"][1], files["src/x"][1]) == (b"1\n", b"1\r\n")

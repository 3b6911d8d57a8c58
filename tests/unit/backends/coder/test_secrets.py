"""The address and the token: what is refused, and what is never shown."""

import os

import httpx2
import pytest

from carrel.backends.coder.address import checked_address
from carrel.backends.coder.tokens import find_token
from carrel.errors import BadInputError, CarrelError, RefusedError

SECRET = "verysecret-0123456789"


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("https://coder.example.com", "https://coder.example.com"),
        ("https://coder.example.com/", "https://coder.example.com"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_address_is_scheme_host_and_port(written, used):
    assert checked_address(written) == used


@pytest.mark.parametrize(
    "written",
    [
        "",
        "coder.example.com",
        "ftp://coder",
        "https://",
        "https://coder/api/v2",
        "https://c/?x=1",
        "http://c:99999",
        "http://[c",
    ],
)
def test_any_other_address_is_refused_with_the_cure(written):
    with pytest.raises(BadInputError) as caught:
        checked_address(written)
    assert caught.value.code == "bad_coder_url"
    assert "CODER_URL" in caught.value.cure


def test_an_address_with_a_login_is_refused_and_not_repeated():
    with pytest.raises(BadInputError) as caught:
        checked_address("https://ada:hunter2@coder.example.com")
    assert "hunter2" not in str(caught.value)
    assert "ada" not in str(caught.value)


def test_a_variable_goes_before_the_file(tmp_path):
    file = tmp_path / "token"
    file.write_text("from-file\n")
    file.chmod(0o600)
    assert find_token(("CODER_TOKEN", SECRET), str(file)).reveal() == SECRET
    assert find_token(("", ""), str(file)).reveal() == "from-file"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    file = tmp_path / "token"
    file.write_text(SECRET)
    file.chmod(mode)
    with pytest.raises(RefusedError) as caught:
        find_token(("", ""), str(file))
    assert caught.value.code == "token_file_exposed"
    assert f"chmod 600 {file}" in caught.value.cure
    assert SECRET not in str(caught.value)


@pytest.mark.real
def test_a_file_of_another_user_is_refused_however_private(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a file to somebody else")
    file = tmp_path / "token"
    file.write_text(SECRET)
    file.chmod(0o600)
    os.chown(file, 65534, 65534)
    with pytest.raises(RefusedError) as caught:
        find_token(("", ""), str(file))
    assert (caught.value.code, "another user" in caught.value.why) == ("token_file_exposed", True)


@pytest.mark.parametrize("content", ["", "  \n", "two words", "x" * 5000, "a\x00b"])
def test_what_is_no_token_is_refused(tmp_path, content):
    file = tmp_path / "token"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(BadInputError, match="no token"):
        find_token(("", ""), str(file))


def test_no_token_no_file_and_no_regular_file_are_told(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    for file in ("", str(tmp_path / "missing"), str(tmp_path), str(tmp_path / "pipe")):
        with pytest.raises(BadInputError) as caught:
            find_token(("", ""), file)
        assert caught.value.code == "no_coder_token"
        assert "CODER_SESSION_TOKEN" in caught.value.cure


def test_the_token_travels_in_the_header_alone(coder, deployment, workspace):
    deployment.on("GET", "/workspaces/ws-1", workspace(transition="stop"))
    coder.workspace("ws-1")
    assert deployment.asked[0].headers["Coder-Session-Token"] == SECRET
    assert SECRET not in str(deployment.asked[0].url)
    shown = [repr(coder), repr(coder._client), repr(coder._client._http.headers)]  # noqa: SLF001
    assert not any(SECRET in one for one in shown)


@pytest.mark.parametrize(
    "reply",
    [
        (401, {"message": "bad"}),
        (403, {}),
        (418, {}),
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout(""),
        httpx2.Response(200, content=b"<html>"),
        httpx2.Response(307, headers={"location": "https://login.example.com"}),
    ],
)
def test_no_error_shows_the_token(coder, deployment, reply):
    deployment.on("GET", "/workspaces/ws-1", reply)
    with pytest.raises(CarrelError) as caught:
        coder.workspace("ws-1")
    seen = caught.value
    while seen is not None:
        assert SECRET not in f"{seen} {seen!r} {seen.args}"
        seen = seen.__cause__ or seen.__context__

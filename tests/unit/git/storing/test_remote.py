"""Remotes that ask for a password: it reaches them, and nobody else."""

import base64
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from carrel.errors import FailedError
from carrel.git.gateway import Git
from carrel.git.storing import remote, sources, stores
from carrel.git.storing.remote import Access

SECRET = "s3cret-t0ken"


class Guarded(http.server.SimpleHTTPRequestHandler):
    """Serves a repository's files to whoever knows the password; watches the process list."""

    root = ""
    seen: ClassVar[list[str]] = []
    argv: ClassVar[list[bytes]] = []

    def __init__(self, *arguments, **more) -> None:
        super().__init__(*arguments, directory=self.root, **more)

    def do_GET(self) -> None:
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                self.argv.append(Path(f"/proc/{process}/cmdline").read_bytes())
            except OSError:
                continue
        told = self.headers.get("Authorization", "")
        wanted = "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode()
        if told != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.seen.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def guarded(clone, tmp_path) -> Iterator[str]:
    clone.git("clone", "-q", "--bare", ".", str(tmp_path / "served/x.git"))
    type(clone)(tmp_path / "served/x.git").git("update-server-info")
    Guarded.root, Guarded.seen, Guarded.argv = str(tmp_path / "served"), [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Guarded)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}/x.git"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_credential_in_a_url_is_used_once_and_stored_nowhere(guarded, tmp_path) -> None:
    wanted = sources.parse(f"http://ada:{SECRET}@{guarded}")
    made = stores.create(str(tmp_path / "home/p"), wanted)
    made.close()
    assert Guarded.seen
    assert made.base_reader.info("main") is not None
    assert not any(SECRET.encode() in line for line in Guarded.argv)
    for folder, _, files in os.walk(tmp_path / "home"):
        for name in files:
            assert SECRET.encode() not in Path(folder, name).read_bytes(), name
    made.close()


def test_a_wrong_credential_is_an_error_without_it(guarded, tmp_path) -> None:
    with pytest.raises(FailedError) as caught:
        stores.create(
            str(tmp_path / "home/p"), sources.parse(f"http://ada:wrong-{SECRET}@{guarded}")
        )
    assert caught.value.code == "remote_unreachable"
    assert SECRET not in str(caught.value)
    assert "ada" not in caught.value.what


def test_nobody_is_asked_for_a_password(guarded, tmp_path) -> None:
    with pytest.raises(FailedError) as caught:
        stores.create(str(tmp_path / "home/p"), sources.parse(f"http://{guarded}"))
    assert caught.value.code == "remote_unreachable"


def test_another_host_does_not_get_it(guarded, bench) -> None:
    credential = sources.Credential("ada", SECRET)
    host = guarded.replace("127.0.0.1", "localhost")
    lent = remote._lent("http://127.0.0.1:1/x.git", Access(credential=credential))  # noqa: SLF001
    with pytest.raises(FailedError):  # the credential is for another port
        Git(bench.stores.base.git_dir, env={**lent, "GIT_ALLOW_PROTOCOL": "http"}).run(
            "ls-remote", f"http://{host}"
        )
    assert Guarded.seen == []


def test_the_users_own_helpers_apply_when_he_lends_his_home(guarded, tmp_path, bench) -> None:
    home = tmp_path / "ada"
    home.mkdir()
    (home / ".git-credentials").write_text(f"http://ada:{SECRET}@{guarded.split('/')[0]}\n")
    (home / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    access = Access(environment={"HOME": str(home)})
    remote.fetch(bench.stores.base, f"http://{guarded}", access)
    assert Guarded.seen


def test_an_error_never_shows_what_was_lent() -> None:
    access = Access(environment={"TOKEN": SECRET}, credential=sources.Credential("ada", SECRET))
    assert SECRET not in repr(access)

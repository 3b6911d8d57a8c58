"""Remotes that ask for a password: it reaches them, and nobody else."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.guarded import Guard, guarding

from carrel.errors import FailedError
from carrel.git.gateway import Git
from carrel.git.storing import remote, sources, stores
from carrel.git.storing.remote import Access

SECRET = "s3cret-t0ken"


@pytest.fixture
def guarded(clone, tmp_path) -> Iterator[Guard]:
    clone.git("clone", "-q", "--bare", ".", str(tmp_path / "served/x.git"))
    type(clone)(tmp_path / "served/x.git").git("update-server-info")
    with guarding(tmp_path / "served", SECRET) as guard:
        yield guard


def test_a_credential_in_a_url_is_used_once_and_stored_nowhere(guarded, tmp_path) -> None:
    wanted = sources.parse(f"http://ada:{SECRET}@{guarded.address}/x.git")
    made = stores.create(str(tmp_path / "home/p"), wanted)
    made.close()
    assert guarded.served
    assert made.base_reader.info("main") is not None
    assert not any(SECRET.encode() in line for line in guarded.running)
    for folder, _, files in os.walk(tmp_path / "home"):
        for name in files:
            assert SECRET.encode() not in Path(folder, name).read_bytes(), name
    made.close()


def test_a_wrong_credential_is_an_error_without_it(guarded, tmp_path) -> None:
    with pytest.raises(FailedError) as caught:
        stores.create(
            str(tmp_path / "home/p"),
            sources.parse(f"http://ada:wrong-{SECRET}@{guarded.address}/x.git"),
        )
    assert caught.value.code == "remote_unreachable"
    assert SECRET not in str(caught.value)
    assert "ada" not in caught.value.what


def test_nobody_is_asked_for_a_password(guarded, tmp_path) -> None:
    with pytest.raises(FailedError) as caught:
        stores.create(str(tmp_path / "home/p"), sources.parse(f"http://{guarded.address}/x.git"))
    assert caught.value.code == "remote_unreachable"


def test_another_host_does_not_get_it(guarded, bench) -> None:
    credential = sources.Credential("ada", SECRET)
    host = guarded.address.replace("127.0.0.1", "localhost")
    lent = remote._lent("http://127.0.0.1:1/x.git", Access(credential=credential))  # noqa: SLF001
    with pytest.raises(FailedError):  # the credential is for another port
        Git(bench.stores.base.git_dir, env={**lent, "GIT_ALLOW_PROTOCOL": "http"}).run(
            "ls-remote", f"http://{host}/x.git"
        )
    assert guarded.served == []


def test_the_users_own_helpers_apply_when_he_lends_his_home(guarded, tmp_path, bench) -> None:
    home = tmp_path / "ada"
    home.mkdir()
    (home / ".git-credentials").write_text(f"http://ada:{SECRET}@{guarded.address}\n")
    (home / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    access = Access(environment={"HOME": str(home)})
    remote.fetch(bench.stores.base, f"http://{guarded.address}/x.git", access)
    assert guarded.served


def test_an_error_never_shows_what_was_lent() -> None:
    access = Access(environment={"TOKEN": SECRET}, credential=sources.Credential("ada", SECRET))
    assert SECRET not in repr(access)

"""Lock files of killed git commands in our own stores."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from carrel.errors import FailedError
from carrel.git.gateway import Git, closed_environment
from carrel.git.refs import Move, zeros
from carrel.git.storing import stalelocks

REF = "refs/carrel/ws/w/head"


@contextmanager
def holding(git: Git, ref: str, oid: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real git that has locked a reference, and waits."""
    command = ["git", f"--git-dir={git.git_dir}", "update-ref", "--stdin"]
    with subprocess.Popen(
        command, env=closed_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"start\nupdate {ref} {oid}\nprepare\n".encode())
        process.stdin.flush()
        assert [process.stdout.readline() for _ in range(2)] == [b"start: ok\n", b"prepare: ok\n"]
        try:
            yield process
        finally:
            process.kill()


def test_the_lock_of_a_killed_git_stands_in_the_way_and_is_found(bench, monkeypatch) -> None:
    st, oid = bench.stores, bench.clone.tip("main")
    monkeypatch.setattr(stalelocks, "_YOUNG", -10.0)
    with holding(st.vault, REF, oid) as process:
        lock = f"{st.vault.git_dir}/{REF}.lock"
        assert stalelocks.locks_in(st.vault) == [lock]
        assert stalelocks.stale_locks(st) == []  # it lives
        process.kill()
        process.wait()
    with pytest.raises(FailedError, match=r"head\.lock"):
        st.vault_refs.move([Move(REF, oid, zeros(20))])
    assert stalelocks.stale_locks(st) == [lock]
    stalelocks.delete_stale_locks(st)
    assert st.vault_refs.move([Move(REF, oid, zeros(20))])


def test_a_young_lock_is_left_alone(bench) -> None:
    lock = Path(bench.stores.base.git_dir, "packed-refs.lock")
    lock.touch()
    assert stalelocks.stale_locks(bench.stores) == []
    past = time.time() - 61
    os.utime(lock, (past, past))
    assert stalelocks.stale_locks(bench.stores) == [str(lock)]


def test_who_began_later_or_only_reads_does_not_hold_it(bench) -> None:
    st, oid = bench.stores, bench.clone.tip("main")
    lock = Path(st.vault.git_dir, "config.lock")
    lock.touch()
    past = time.time() - 600
    os.utime(lock, (past, past))
    st.vault_reader.info(oid)  # it runs from now on
    with holding(st.vault, REF, oid):
        assert stalelocks.stale_locks(st) == [str(lock)]

"""Reading the record: which workspace of a fleet a name means, and whether the chain holds."""

import pytest

from carrel.control import ledger
from carrel.control.context import Context


def happened(ctx: Context, *named: tuple[str, str]) -> None:
    for subject, name in named:
        with ctx.noting("action.done", subject, workspace=name):
            pass


def test_a_name_is_that_of_the_newest_workspace_that_had_it(
    ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_PAGE", 2)
    happened(ctx, ("w1", "ada/dev"), ("w2", "ada/dev"), ("w3", "bob/a"), ("w4", "bob/b"),
             ("w5", "bob/c"))  # fmt: skip
    names = ("ada/dev", "bob/a", "bob/c", "nobody/nothing", "ada")
    assert [ledger.fleet_subject(ctx, one) for one in names] == ["w2", "w3", "w5", "", ""]


def test_the_whole_chain_is_counted(ctx: Context) -> None:
    assert ledger.verify(ctx) == ledger.Verdict(0, None, None)
    happened(ctx, ("w1", "ada/dev"), ("w1", "ada/dev"))
    (last,) = ledger.events(ctx, last=1)
    assert ledger.verify(ctx) == ledger.Verdict(2, None, last.hash)

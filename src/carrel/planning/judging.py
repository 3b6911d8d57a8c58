"""Judging a workspace again and again: who need not be asked is not."""

from collections.abc import Sequence
from datetime import datetime

from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.verdicts import WITHHELD, Situation, Verdict, Wish
from carrel.planning.deciding import Configured, Ready, prepare
from carrel.planning.precedence import Decision, settle

Said = Sequence[Verdict]
"""What the policies that may act said of one workspace, in their order."""

_STOPS = frozenset({Wish.STOP, Wish.SLEEP})


class Judge:
    """Decides at one moment; who only protects is asked where somebody would act by now."""

    def __init__(self, policies: tuple[Configured, ...], situation: Situation) -> None:
        self._protectors = [n for n, one in enumerate(policies) if one.only_keeps]
        self._policies = policies
        self._situation = situation
        self._acting = prepare([one for one in policies if not one.only_keeps], situation)
        self._answers = [one.answer for one in self._acting]
        self._protecting: tuple[Ready, ...] | None = None

    def ask(self, workspace: FleetWorkspace, known: Said = ()) -> Said:
        """Ask all that may act; an answer that is `known` stays until its time is over."""
        at = self._situation.at
        try:
            if known:
                return [
                    answer(workspace) if _over(one, at) else one
                    for answer, one in zip(self._answers, known, strict=True)
                ]
            return [answer(workspace) for answer in self._answers]
        except Exception:  # noqa: BLE001 - now each is asked alone: which one fails?
            return [one(workspace) for one in self._acting]

    def decide(self, workspace: FleetWorkspace, said: Said) -> Decision:
        """Decide about a workspace by what was said; before a stop is due it needs no protection.

        A protector that would keep it until then is asked when the stop is due.
        """
        decision = settle(workspace, tuple(said))
        if not stops(decision, self._situation.at):
            return decision
        if self._protecting is None:
            protectors = [self._policies[n] for n in self._protectors]
            self._protecting = prepare(protectors, self._situation)
        every = list(said)
        for n, one in zip(self._protectors, self._protecting, strict=True):
            every.insert(n, one(workspace))  # where it stands among the policies
        return settle(workspace, tuple(every))


def _over(verdict: Verdict, at: datetime) -> bool:
    """Tell whether an answer may be another one by now, although nothing happened."""
    until, due = verdict.until, verdict.due
    if (until is not None and until <= at) or (due is not None and due <= at):
        return True
    return verdict.category == WITHHELD  # whoever could not answer is asked again


def stops(decision: Decision, at: datetime) -> bool:
    """Tell whether a decision stops its workspace by a moment."""
    winner = decision.winner
    if winner is None or decision.wish not in _STOPS:
        return False
    return winner.due is None or winner.due <= at

"""What a policy says when it can't answer: nothing to act on, and why."""

from collections.abc import Iterable

from carrel.domain.fleet.observation import Gap, Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.scopes import Scope
from carrel.domain.governance.verdicts import WITHHELD, Decide, Verdict, Wish


def withheld(policy: str, why: str, *, protects: bool = False) -> Verdict:
    """Make the verdict of a policy that can't answer: who protects, keeps."""
    wish = Wish.KEEP if protects else Wish.NOTHING
    return Verdict(policy, wish, f"It can't answer, so nothing is done: {why}", category=WITHHELD)


def always(verdict: Verdict) -> Decide:
    """Make the function that says the same of every workspace."""

    def decide(_workspace: FleetWorkspace) -> Verdict:
        return verdict

    return decide


def said(gap: Gap) -> str:
    """Say a gap in one sentence, with its cure."""
    return f"{gap.what} could not be seen ({gap.why.rstrip('.')}). {gap.cure}".strip()


def gap_in_groups(observation: Observation, scopes: Iterable[Scope]) -> Gap | None:
    """Return the gap in groups, if any of the scopes names groups; who is in which is unknown."""
    if any(scope.groups for scope in scopes):
        return observation.lacks("groups", "users")
    return None

"""Precedence: what several policies say of one workspace becomes one decision.

Keep beats stop beats sleep beats delete. A correction ends nothing: it stands beside the others,
and only what is kept is left without it.
"""

from datetime import datetime

from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.verdicts import WITHHELD, Verdict, Wish
from carrel.domain.records import dataclass

ORDER = (Wish.KEEP, Wish.STOP, Wish.SLEEP, Wish.DELETE)
"""The strongest first."""
_NOTHING = Wish.NOTHING  # an enumeration's members are slow to reach, and this is asked often
_STRENGTH = {wish: len(ORDER) - n for n, wish in enumerate(ORDER)}
ACTING = frozenset({Wish.STOP, Wish.SLEEP, Wish.DELETE})


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of a workspace, and everything that was said.

    Attributes:
        workspace: Of which.
        wish: The strongest wish.
        winner: Whose verdict that is; None when nobody wants anything.
        verdicts: What every policy said, in the order of asking.
    """

    workspace: FleetWorkspace
    wish: Wish
    winner: Verdict | None
    verdicts: tuple[Verdict, ...]

    @property
    def corrections(self) -> tuple[Verdict, ...]:
        """What is to be set right, whatever else is decided; nothing of what is kept."""
        if self.wish is Wish.KEEP:
            return ()
        return tuple(one for one in self.verdicts if one.corrects)

    @property
    def following(self) -> tuple[Verdict, ...]:
        """Wishes to put to sleep what is stopped: the stop goes first, and does not beat them."""
        if self.wish is not Wish.STOP:
            return ()
        return tuple(one for one in self.verdicts if one.wish is Wish.SLEEP)

    @property
    def overruled(self) -> tuple[Verdict, ...]:
        """Wishes to act that a stronger wish beat."""
        follows = self.following
        return tuple(
            one
            for one in self.verdicts
            if one.wish in ACTING and one.wish is not self.wish and one not in follows
        )

    @property
    def withheld(self) -> tuple[Verdict, ...]:
        """What policies said that could not answer."""
        return tuple(one for one in self.verdicts if one.category == WITHHELD)

    @property
    def until(self) -> datetime | None:
        """When the answer may change next, if nothing else happens; None: not by time."""
        return min((one.until for one in self.verdicts if one.until is not None), default=None)


def settle(workspace: FleetWorkspace, verdicts: tuple[Verdict, ...]) -> Decision:
    """Settle what was said. Of equally strong wishes the one due first wins, then the first."""
    winner, best = None, 0
    for one in verdicts:
        if one.wish is _NOTHING:
            continue
        strength = _STRENGTH.get(one.wish, 0)
        if strength > best or (
            strength == best > 0 and winner is not None and _earlier(one.due, winner.due)
        ):
            winner, best = one, strength
    return Decision(workspace, winner.wish if winner else _NOTHING, winner, verdicts)


def _earlier(one: datetime | None, other: datetime | None) -> bool:
    """Tell whether a due moment lies before another; none means at once."""
    return other is not None and (one is None or one < other)

"""What was spent this month, by holder, while time goes on: a rate each, summed up when asked."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.planning.counting import hours_of

Month = Callable[[datetime], tuple[datetime, datetime]]


class Meter:
    """Adds up the money of running workspaces by user and template; groups add up their users.

    Args:
        month: Begin and end of the month of a moment.
    """

    def __init__(self, month: Month) -> None:
        self._month = month
        self._end: datetime | None = None
        self._rates: dict[str, tuple[float, float, datetime]] = {}
        self._members: dict[str, list[str]] = {}
        self._users: object = None

    def on(self, workspace: FleetWorkspace, price: float | None, at: datetime) -> None:
        """A workspace begins to cost."""
        self._turn(workspace, price or 0.0, at)

    def off(self, workspace: FleetWorkspace, price: float | None, at: datetime) -> None:
        """It ends to cost."""
        self._turn(workspace, -(price or 0.0), at)

    def at(self, at: datetime, frame: Observation) -> "Spent":
        """Return what was spent in the month of a moment, up to it."""
        self._roll(at)
        if frame.users is not self._users:
            self._users = frame.users
            self._members = _members(frame)
        return Spent(self._rates, self._members, at)

    def _roll(self, at: datetime) -> None:
        """Begin a new month with nothing."""
        if self._end is not None and at < self._end:
            return
        begin, self._end = self._month(at)
        self._rates = {key: (0.0, rate, max(since, begin))
                       for key, (_, rate, since) in self._rates.items()}  # fmt: skip

    def _turn(self, workspace: FleetWorkspace, rate: float, at: datetime) -> None:
        self._roll(at)
        for key in (f"user:{workspace.owner}", f"template:{workspace.template}"):
            amount, old, since = self._rates.get(key, (0.0, 0.0, at))
            self._rates[key] = (amount + old * hours_of(at - since), old + rate, at)


class Spent(Mapping[str, float]):
    """Money by `user:NAME`, `group:NAME`, `template:NAME`, worked out when it is asked for."""

    def __init__(
        self,
        rates: Mapping[str, tuple[float, float, datetime]],
        members: Mapping[str, list[str]],
        at: datetime,
    ) -> None:
        self._rates = rates
        self._members = members
        self._at = at

    def __getitem__(self, key: str) -> float:
        members = self._members.get(key)
        if members is not None:
            return sum(self._amount(one) for one in members if one in self._rates)
        if key not in self._rates:
            raise KeyError(key)
        return self._amount(key)

    def __iter__(self) -> Iterator[str]:
        yield from self._rates
        yield from self._members

    def __len__(self) -> int:
        return len(self._rates) + len(self._members)

    def _amount(self, key: str) -> float:
        amount, rate, since = self._rates[key]
        return amount + rate * hours_of(self._at - since)


def _members(frame: Observation) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for user in frame.users.values():
        for group in user.groups:
            known = frame.groups.get(group)
            if known is not None:
                found.setdefault(f"group:{known.name}", []).append(f"user:{user.username}")
    return found

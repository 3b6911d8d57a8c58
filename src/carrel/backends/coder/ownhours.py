"""Users' own quiet hours: one request a user, so they are remembered, and few are read at once.

A deployment tells them one by one. They are asked for those whose workspaces run, and only where
users may have hours of their own; an answer counts for an hour, and then a few are asked anew in
each pass. Thus requests grow with the people at work, up to a limit, never with workspaces.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta

from carrel.backends.coder.client import Client
from carrel.backends.coder.people import read_quiet_hours
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import QuietHours
from carrel.errors import FailedError

_COUNTS_FOR = timedelta(hours=1)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class OwnHours:
    """What is known of users' own quiet hours.

    Args:
        client: Whom to ask.
        most: How many users of whom nothing is known may be asked for in one pass.
        again: How many others may be, the longest unread first.
    """

    def __init__(self, client: Client, most: int = 2_000, again: int = 200) -> None:
        self._client = client
        self.most = most
        self._again = again
        self._known: dict[str, tuple[datetime, QuietHours | None]] = {}

    def take_over(self, previous: Observation) -> None:
        """Learn from an earlier observation what this program has not read itself.

        How old that was even then is not known: it counts until it is read anew, which it is next.
        """
        for user_id, user in previous.users.items():
            if user.quiet_hours is not None:
                self._known.setdefault(user_id, (_LONG_AGO, user.quiet_hours))

    def refresh(self, owners: list[str], at: datetime, pool: Executor) -> int:
        """Read the hours of those of whom nothing is known, and of some whose answer is old.

        Returns:
            Of how many nothing is known afterwards.

        Raises:
            FailedError: `token_refused`.
        """
        wanted = set(owners)
        self._known = {name: held for name, held in self._known.items() if name in wanted}
        old = [one for one in owners if one in self._known and self._aged(one, at)]
        old.sort(key=lambda one: self._known[one][0])
        due = [one for one in owners if one not in self._known][: self.most] + old[: self._again]
        for owner, found in zip(due, pool.map(self._read, due), strict=True):
            if found is not None:
                self._known[owner] = (at, found[0])
        return sum(owner not in self._known for owner in owners)

    def known(self, owners: list[str]) -> Mapping[str, QuietHours]:
        """Return what is known, without those who have no hours."""
        found = {owner: self._known[owner][1] for owner in owners if owner in self._known}
        return {owner: hours for owner, hours in found.items() if hours is not None}

    def _aged(self, owner: str, at: datetime) -> bool:
        return at - self._known[owner][0] >= _COUNTS_FOR

    def _read(self, owner: str) -> tuple[QuietHours | None] | None:
        """Return a user's hours, in a tuple because none is an answer too; None: unread."""
        try:
            hours = read_quiet_hours(self._client.document(f"/users/{owner}/quiet-hours"))
        except FailedError as error:
            if error.code == "token_refused":
                raise
            return (None,) if error.code == "fleet_not_offered" else None
        return None if hours is None else (hours,)

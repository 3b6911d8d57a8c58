"""So many requests a minute for each user and path, as the deployment counts them."""

from collections.abc import Callable, Mapping
from datetime import datetime

from carrel.simulators.coder.model.people import Person
from carrel.simulators.coder.refusals import RefusalError

MINUTE = 60
BYPASS = "x-coder-bypass-ratelimit"


class Limits:
    """Counts requests in the real minute: clients live in real time, however fast ours runs.

    Args:
        most: How many a minute; 0 is no limit.
        now: Tells the real time.
    """

    def __init__(self, most: int, now: Callable[[], datetime]) -> None:
        self.most = most
        self._now = now
        self._minute = -1
        self._counts: dict[tuple[str, str], int] = {}

    def count(self, person: Person, path: str, headers: Mapping[str, str]) -> dict[str, str]:
        """Count a request, and return the headers that tell how many are left.

        Raises:
            RefusalError: 429 there are too many; 428 a bypass was asked for that only owners have.
        """
        if not self.most:
            return {}
        if headers.get(BYPASS) == "true":
            if "owner" not in person.roles:
                raise RefusalError(428, "Only owners may bypass the rate limit.")
            return {}
        moment = int(self._now().timestamp())
        if moment // MINUTE != self._minute:
            self._minute = moment // MINUTE
            self._counts.clear()
        used = self._counts[person.user_id, path] = self._counts.get((person.user_id, path), 0) + 1
        reset = (self._minute + 1) * MINUTE
        told = {
            "X-RateLimit-Limit": str(self.most),
            "X-RateLimit-Remaining": str(max(0, self.most - used)),
            "X-RateLimit-Reset": str(reset),
        }
        if used > self.most:
            told["Retry-After"] = str(reset - moment)
            raise RefusalError(
                429,
                f"You've been rate limited for sending more than {self.most} requests in 1m0s.",
                headers=told,
            )
        return told

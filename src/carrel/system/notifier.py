"""Messages by Apprise, whose addresses hold secrets: shown by their scheme alone."""

import logging
from typing import Protocol, cast

from carrel.errors import BadInputError, FailedError


class _Service(Protocol):
    """What we use of Apprise, which tells its types in part only."""

    def add(self, servers: str) -> bool: ...

    def notify(self, *, title: str, body: str) -> bool | None: ...


class AppriseNotifier:
    """Delivers messages to any address that Apprise knows."""

    def send(self, address: str, title: str, body: str) -> None:
        """Deliver one message."""
        service = self._service(address)
        try:
            delivered = service.notify(title=title, body=body)
        except Exception as error:
            raise self._undelivered(address, f"{type(error).__name__}.") from error
        if not delivered:
            raise self._undelivered(address, "The service did not take it.")

    def shown(self, address: str) -> str:
        """Return an address without its secrets."""
        scheme, mark, _ = address.partition("://")
        return f"{scheme}://***" if mark else "***"

    def _service(self, address: str) -> _Service:
        try:
            import apprise  # noqa: PLC0415 - 200 ms, only where somebody is told
        except ModuleNotFoundError as error:
            raise BadInputError(
                "extra_missing",
                "Nobody can be notified: a package is not installed.",
                why=f"{error}.",
                cure="Install it: pip install 'carrel[notify]'.",
            ) from error
        # Its own records tell whole addresses; what went wrong is said by our error.
        logging.getLogger("apprise").disabled = True
        service = cast("_Service", apprise.Apprise())
        if not service.add(address):
            raise BadInputError(
                "bad_notification_url",
                f"The address {self.shown(address)} leads nowhere.",
                why="Apprise knows no such service, or a part of the address is missing.",
                cure="Correct it under [notifications.routes] in carrel.toml.",
            )
        return service

    def _undelivered(self, address: str, why: str) -> FailedError:
        return FailedError(
            "not_delivered",
            f"A message could not be delivered to {self.shown(address)}.",
            why=why,
            cure="Check the address under [notifications.routes]; what needs the warning waits.",
        )

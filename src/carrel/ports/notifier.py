"""A notifier as a port: sends one message to one person or channel."""

from typing import Protocol


class Notifier(Protocol):
    """Delivers messages to addresses that may hold secrets."""

    def send(self, address: str, title: str, body: str) -> None:
        """Deliver one message.

        Raises:
            FailedError: `not_delivered`, without any secret of the address.
            BadInputError: `bad_notification_url`, `extra_missing`.
        """
        ...

    def shown(self, address: str) -> str:
        """Return an address as it may be shown: without secrets."""
        ...

"""What the simulated deployment answers when it does not do what was asked."""

from collections.abc import Mapping
from typing import NoReturn


class RefusalError(Exception):
    """An answer other than success.

    Args:
        status: The HTTP status.
        message: The deployment's sentence.
        detail: More of it.
        wrong: What is wrong with which field.
        headers: Headers beside the usual ones.
    """

    def __init__(
        self,
        status: int,
        message: str,
        detail: str = "",
        *,
        wrong: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail
        self.wrong = dict(wrong or {})
        self.headers = dict(headers or {})


def invalid(field: str, detail: str) -> NoReturn:
    """Refuse a value of one field."""
    raise RefusalError(400, "Validation failed.", wrong={field: detail})


def hidden() -> RefusalError:
    """Return the answer for what does not exist, or must not be seen."""
    return RefusalError(404, "Resource not found or you do not have access to this resource")


def forbidden(detail: str = "") -> RefusalError:
    """Return the answer for what the caller may not do."""
    return RefusalError(403, "Forbidden.", detail)

"""Taking secrets out of what is about to be shown or written down."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

_SECRET_NAME = re.compile(
    r"token|secret|password|passwd|authorization|api_?key|cookie", re.IGNORECASE
)
# A run of word characters is entered at its start only: from each of its characters anew, a
# long one would take minutes.
_LOGIN = re.compile(r"(?<![\w+.-])([\w+.-]+://)[^/\s@]+@")
_TOKEN = re.compile(r"\b[A-Za-z0-9]{10}-[A-Za-z0-9]{22}\b")
"""How a session token of Coder looks."""
_LOOKED_AT = 20_000
_ASSIGNED = re.compile(
    rf"(?<![\w-])(?=[\w-]*(?:{_SECRET_NAME.pattern}))"
    r"([\w-]++[\"']?\s*[=:]\s*)(?:(?:bearer|basic)\s+)?\S+",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Tell whether a value of this name must not be shown."""
    return _SECRET_NAME.search(name) is not None


def scrubbed(value: object) -> object:
    """Return a value without logins in addresses and without session tokens."""
    if isinstance(value, str):
        return _TOKEN.sub("***", _LOGIN.sub(r"\1***@", value))
    if isinstance(value, Mapping):
        return {
            str(name): "***" if is_secret_name(str(name)) else scrubbed(item)
            for name, item in cast("Mapping[object, object]", value).items()
        }
    if isinstance(value, list | tuple):
        return [scrubbed(item) for item in cast("Sequence[object]", value)]
    return value


def last_words(told: bytes, *, lines: int = 3, length: int = 300) -> str:
    """Return the last lines that a program said, on one line, printable and without secrets.

    Args:
        told: What it wrote to its standard error.
        lines: How many of its last lines.
        length: Most characters; what comes before the last of them is cut.
    """
    # Only the end is looked at; a program may have said any amount.
    text = told[-_LOOKED_AT:].decode("utf-8", "replace")
    kept = [line.strip() for line in text.splitlines() if line.strip()][-lines:]
    clean = _ASSIGNED.sub(r"\1***", str(scrubbed(" / ".join(kept))))
    plain = "".join(one if one.isprintable() else " " for one in clean)
    return plain if len(plain) <= length else "…" + plain[-length + 1 :]

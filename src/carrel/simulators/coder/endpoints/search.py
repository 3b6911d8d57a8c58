"""The `q=` language: `key:value` parts, quotes around what holds spaces or colons."""

from collections.abc import Container
from datetime import datetime

from carrel.simulators.coder.refusals import RefusalError, invalid


def terms(query: str, bare: str = "name") -> list[tuple[str, str]]:
    """Split a query into keys and values, in lower case.

    Args:
        query: What was sent.
        bare: The key of a term without one.

    Raises:
        RefusalError: 400, a part makes no sense.
    """
    found: list[tuple[str, str]] = []
    for word in _words(query.lower()):
        parts = _split(word)
        if len(parts) == 1:
            found.append((bare, parts[0].strip('"')))
        elif len(parts) == 2 and parts[0] and parts[1].strip('"'):  # noqa: PLR2004 - key, value
            found.append((parts[0], parts[1].strip('"')))
        else:
            invalid("q", f"Query element {word!r} can only contain 1 ':'")
    return found


def refuse_unknown(found: list[tuple[str, str]], known: Container[str]) -> None:
    """Refuse keys that nobody knows."""
    wrong = {key: f"{key!r} is not a valid query param" for key, _ in found if key not in known}
    if wrong:
        raise RefusalError(400, "Invalid search query.", wrong=wrong)


def truth(key: str, value: str) -> bool:
    """Read true or false."""
    if value not in {"true", "false", "1", "0"}:
        invalid(key, f"Query param {key!r} must be a valid boolean: {value!r}")
    return value in {"true", "1"}


def moment(key: str, value: str) -> datetime:
    """Read a moment; the language has made its letters small."""
    try:
        found = datetime.fromisoformat(value.upper())
    except ValueError:
        invalid(key, f"Query param {key!r} must be a valid date format: {value!r}")
    if found.tzinfo is None:
        invalid(key, f"Query param {key!r} must have a time zone: {value!r}")
    return found


def _words(query: str) -> list[str]:
    words, word, quoted = list[str](), "", False
    for letter in query:
        quoted ^= letter == '"'
        if letter.isspace() and not quoted:
            words.append(word)
            word = ""
        else:
            word += letter
    if quoted:
        invalid("q", "A quote is not closed.")
    return [one for one in (*words, word) if one]


def _split(word: str) -> list[str]:
    parts, part, quoted = list[str](), "", False
    for letter in word:
        quoted ^= letter == '"'
        if letter == ":" and not quoted:
            parts.append(part)
            part = ""
        else:
            part += letter
    return [*parts, part]

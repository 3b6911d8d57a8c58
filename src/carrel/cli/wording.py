"""Values as a person reads them: paths, moments, sizes, counts, object ids."""

from datetime import UTC, datetime

SHORT_ID = 10


def shown(text: str) -> str:
    r"""Return text that is safe on a terminal: control characters and broken bytes escaped.

    A byte that is not UTF-8 (a surrogate escape) becomes `\xNN`, a newline `\n`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character.isprintable():
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def moment(value: datetime | str, *, zone: bool = True) -> str:
    """Return a moment in the person's own zone, with the zone named unless a heading does."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    here = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone()
    return here.strftime("%Y-%m-%d %H:%M:%S %Z" if zone else "%m-%d %H:%M").rstrip()


def zone_name(value: datetime | str) -> str:
    """Return the name of the person's zone at a moment."""
    return moment(value).split(" ", 2)[2]


def brief(object_id: str) -> str:
    """Return the first characters of an object id; commands accept it."""
    return object_id[:SHORT_ID]


def count(number: int, one: str, many: str = "") -> str:
    """Return `1 file` or `2 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

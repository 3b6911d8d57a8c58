"""Reads lists page by page, some pages at once, and tells whether all of it was seen."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Generic, TypeVar

from carrel.backends.coder.answers import answer_unknown
from carrel.backends.coder.client import Client
from carrel.backends.coder.memory import Memory
from carrel.backends.coder.reading import Record, number, record
from carrel.domain.records import dataclass

T = TypeVar("T")

_SWEEPS = 3
"""How often a list that changes while it is read is read again."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list of a deployment.

    Attributes:
        path: Where it is.
        key: The name of its items in an answer.
        query: The search string; empty: none.
        size: Items a page that are asked for; a deployment may send fewer.
        parse: Makes a value from an item; None when it can't be understood.
        name: Tells which item a value is.
    """

    path: str
    key: str
    query: str
    size: int
    parse: Callable[[Record], T | None]
    name: Callable[[T], str]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page: its values, how many items it held, and how many there are in all."""

    values: tuple[T, ...]
    held: int
    count: int


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What was seen of a list.

    Attributes:
        values: By name; each once.
        missing: How many are there that were not seen or not understood.
    """

    values: Mapping[str, T]
    missing: int


def read_all(client: Client, memory: Memory, listing: Listing[T], pool: Executor) -> Seen[T]:
    """Read a whole list; again when it changed under the reading.

    Raises:
        FailedError: As `Client.read`.
    """
    found: dict[str, T] = {}
    lacking = strange = 0
    for _ in range(_SWEEPS):
        pages = _sweep(client, memory, listing, pool)
        swept = {listing.name(value): value for page in pages for value in page.values}
        held, strange = _tally(pages)
        count = max(pages[0].count, pages[-1].count)
        if len(swept) + strange == held == count:
            return Seen(swept, strange)
        found.update(swept)
        lacking = count - len(found) - strange
    return Seen(found, max(lacking, 0) + strange)


def _tally(pages: list[Page[T]]) -> tuple[int, int]:
    """Return how many items the pages held, and how many of them were not understood."""
    held = sum(page.held for page in pages)
    return held, held - sum(len(page.values) for page in pages)


def _sweep(client: Client, memory: Memory, listing: Listing[T], pool: Executor) -> list[Page[T]]:
    first = read_page(client, memory, listing, 0)
    if not first.held or first.held >= first.count:
        return [first]
    # The deployment may cap pages below what was asked for: its own size is what counts.
    offsets = range(first.held, first.count, first.held)
    others = pool.map(partial(read_page, client, memory, listing), offsets)
    pages = [first, *others]
    while pages[-1].held and (behind := sum(page.held for page in pages)) < pages[-1].count:
        pages.append(read_page(client, memory, listing, behind))
    return pages


def read_page(client: Client, memory: Memory, listing: Listing[T], offset: int) -> Page[T]:
    """Read one page; what is byte for byte as it was last time is not decoded again."""
    query: dict[str, str | int] = {"limit": listing.size, "offset": offset}
    if listing.query:
        query["q"] = listing.query
    content = client.read(listing.path, query)
    where = f"{listing.path}?{listing.query}&{offset}"

    def decode() -> Page[T]:
        answer = record(client.decoded(listing.path, content))
        if not isinstance(answer.get("count"), int):
            raise answer_unknown(
                client.address, listing.path, "It does not tell how many there are."
            )
        items = client.items(listing.path, answer, listing.key)
        values = [listing.parse(item) for item in items]
        known = tuple(value for value in values if value is not None)
        return Page(known, len(items), number(answer.get("count")))

    return memory.recall(where, content, decode)


def walk(client: Client, path: str, key: str, query: str, size: int) -> Iterator[Record]:
    """Yield the items of a log, newest first, each once; the log may grow meanwhile.

    The total can be capped by the deployment, so only an empty page ends the walk.
    """
    seen: set[str] = set()
    offset = 0
    while True:
        asked: dict[str, str | int] = {"limit": size, "offset": offset}
        if query:
            asked["q"] = query
        answer = record(client.document(path, asked))
        items = client.items(path, answer, key)
        for item in items:
            name = str(item.get("id"))
            if name not in seen:
                seen.add(name)
                yield item
        offset += len(items)
        if not items or _ended(answer, offset):
            return


def _ended(answer: Record, offset: int) -> bool:
    """Whether the total says that nothing follows; a total at its cap says nothing."""
    count, cap = number(answer.get("count")), number(answer.get("count_cap"))
    return offset >= count and count > 0 and (not cap or count < cap)

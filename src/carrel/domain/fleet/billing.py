"""A provider's bill: its export in the FOCUS format, and what it says of workspaces.

Read: `BilledCost`, `BillingCurrency`, `ChargePeriodStart`, and where they are there
`ProviderName`, `BillingAccountId`, `ResourceId`, `ResourceName` and `Tags`. What a line belongs to
is told by its tags, as Coder's own templates set them; else by a resource named like a workspace.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import cast

from carrel.domain.fleet.remembering import Billed
from carrel.domain.records import dataclass
from carrel.errors import BadInputError

NEEDED = ("BilledCost", "BillingCurrency", "ChargePeriodStart")
_KEYS = {
    "workspace_id": ("com.coder.workspace.id", "coder.workspace.id", "coder_workspace_id"),
    "workspace": ("com.coder.workspace.name", "coder.workspace.name", "coder_workspace_name",
                  "coder_workspace"),
    "owner": ("com.coder.user.username", "coder.user.username", "coder_workspace_owner",
              "coder_owner"),
    "template": ("com.coder.template.name", "coder.template.name", "coder_template_name",
                 "coder_template"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A workspace that a line may belong to."""

    workspace_id: str
    owner: str
    name: str
    template: str


@dataclass(frozen=True, slots=True)
class Bill:
    """What an export says.

    Attributes:
        lines: Costs by month, account and holder, summed up.
        rows: How many rows it had.
        unassigned: The cost of rows that belong to nobody we know.
    """

    lines: tuple[Billed, ...]
    rows: int
    unassigned: float


def read_bill(
    text: Iterable[str], known: Iterable[Known], month: Callable[[datetime], datetime]
) -> Bill:
    """Read an export.

    Args:
        text: Its lines.
        known: The fleet's workspaces, deleted ones too.
        month: Gives the begin of a moment's month.

    Raises:
        BadInputError: `bad_bill`, naming the row and the column.
    """
    rows = csv.DictReader(text)
    lacking = [name for name in NEEDED if name not in (rows.fieldnames or ())]
    if lacking:
        raise _bad(f"It has no column {lacking[0]!r}.")
    sums: dict[tuple[datetime, str, str, str, str, str], float] = {}
    find, count, unassigned = _Finder(known), 0, 0.0
    for number, row in _numbered(rows):
        cost = _cost(row, number)
        owner, name, template = find.holder(row, number)
        count += 1
        unassigned += 0.0 if owner or template else cost
        full = f"{owner}/{name}" if owner and name else ""
        key = (month(_at(row, number)), _account(row), full, owner, template,
               row["BillingCurrency"].strip().upper())  # fmt: skip
        sums[key] = sums.get(key, 0.0) + cost
    lines = tuple(
        Billed(at, account, full, owner, template, cost, currency)
        for (at, account, full, owner, template, currency), cost in sorted(sums.items())
    )
    return Bill(lines, count, unassigned)


class _Finder:
    """Finds what a row belongs to."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._ids: dict[str, Known] = {}
        self._names: dict[tuple[str, str], Known] = {}
        for one in known:
            self._ids.setdefault(one.workspace_id.casefold(), one)
            self._names.setdefault((one.owner.casefold(), one.name.casefold()), one)
        self._lengths = sorted({len(key) for key in self._ids if key}, reverse=True)

    def holder(self, row: Mapping[str, str], number: int) -> tuple[str, str, str]:
        tags = _tags(row.get("Tags") or "", number)
        said = {kind: _first(tags, keys) for kind, keys in _KEYS.items()}
        found = self._ids.get(said["workspace_id"].casefold())
        found = found or self._names.get((said["owner"].casefold(), said["workspace"].casefold()))
        found = found or self._resource(row)
        if found is not None:
            return found.owner, found.name, found.template
        return said["owner"], said["workspace"], said["template"]

    def _resource(self, row: Mapping[str, str]) -> Known | None:
        """Find a workspace whose id is part of the resource's, as disks and pods are named."""
        names = ((row.get(column) or "").casefold() for column in ("ResourceId", "ResourceName"))
        # Pieces as long as ids are looked up: a bill has many rows, and a fleet many ids.
        pieces = (
            name[at : at + length]
            for name in names
            for length in self._lengths
            for at in range(len(name) - length + 1)
        )
        return next((self._ids[piece] for piece in pieces if piece in self._ids), None)


def _numbered(rows: "csv.DictReader[str]") -> Iterator[tuple[int, dict[str, str]]]:
    try:
        for row in rows:
            yield rows.line_num, {key: value or "" for key, value in row.items() if key}
    except csv.Error as error:
        raise _bad(f"Row {rows.line_num} can't be read: {error}.") from error


def _cost(row: Mapping[str, str], number: int) -> float:
    try:
        cost = float(row["BilledCost"])
    except ValueError:
        cost = float("nan")
    if not isfinite(cost):
        raise _bad(f"Row {number}: BilledCost {row['BilledCost']!r} is no number.")
    return cost


def _at(row: Mapping[str, str], number: int) -> datetime:
    try:
        at = datetime.fromisoformat(row["ChargePeriodStart"].strip())
    except ValueError as error:
        told = row["ChargePeriodStart"]
        raise _bad(f"Row {number}: ChargePeriodStart {told!r} is no moment.") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)  # FOCUS says: UTC


def _account(row: Mapping[str, str]) -> str:
    names = (
        row.get("ProviderName") or row.get("Provider") or "",
        row.get("BillingAccountId") or "",
    )
    return "/".join(name.strip() for name in names if name.strip()) or "bill"


def _tags(text: str, number: int) -> dict[str, str]:
    if not text.strip():
        return {}
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise _bad(f"Row {number}: Tags are no JSON object: {error}.") from error
    if not isinstance(found, Mapping):
        raise _bad(f"Row {number}: Tags are no JSON object.")
    pairs = cast("Mapping[str, object]", found)
    return {str(key).casefold(): str(value) for key, value in pairs.items() if value is not None}


def _first(tags: Mapping[str, str], keys: Iterable[str]) -> str:
    return next((tags[key] for key in keys if tags.get(key)), "")


def _bad(why: str) -> BadInputError:
    return BadInputError(
        "bad_bill",
        "The bill can't be read; nothing of it was taken.",
        why=why,
        cure="Export it as CSV in the FOCUS format: https://focus.finops.org.",
    )

"""A provider's bill in the FOCUS format: what belongs to whom, and what is refused."""

import time
from datetime import UTC, datetime

import pytest

from carrel.domain.fleet.billing import Known, read_bill
from carrel.domain.fleet.remembering import Billed
from carrel.errors import BadInputError

HEAD = "BilledCost,BillingCurrency,ChargePeriodStart,ProviderName,BillingAccountId,ResourceId,Tags"
ADA = Known("1F0E-uuid", "ada", "dev", "python")
MARCH, APRIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def month(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def bill(*rows: str, head: str = HEAD) -> list[Billed]:
    return list(read_bill([head, *rows], [ADA], month).lines)


def line(
    cost: str = "1.5", at: str = "2026-03-05T00:00:00Z", resource: str = "", tags: str = ""
) -> str:
    return f'{cost},usd,{at},AWS,42,{resource},"{tags}"'


@pytest.mark.parametrize(
    "row",
    [
        line(tags='{""com.coder.workspace.id"": ""1f0e-UUID""}'),
        line(tags='{""coder_workspace_name"": ""DEV"", ""coder_workspace_owner"": ""Ada""}'),
        line(resource="arn:aws:ec2:volume/coder-1f0e-uuid-home"),
    ],
)
def test_a_row_finds_its_workspace(row: str) -> None:
    assert bill(row) == [Billed(MARCH, "AWS/42", "ada/dev", "ada", "python", 1.5, "USD")]


def test_rows_add_up_by_month_and_holder() -> None:
    tags = '{""com.coder.template.name"": ""gpu""}'
    found = bill(line("1", tags=tags), line("2.25", tags=tags), line("4", "2026-04-01T00:00:00Z"))
    assert [(one.month, one.template, one.cost) for one in found] == [
        (MARCH, "gpu", 3.25),
        (APRIL, "", 4.0),
    ]


def test_what_belongs_to_nobody_is_told() -> None:
    somebodys = [
        line(tags='{""coder_template"": ""gpu""}'),
        line(tags='{""coder_owner"": ""eve""}'),
    ]
    nobodys = line("4", tags='{""coder_owner"": null, ""coder_template"": """"}')
    read = read_bill([HEAD, line("3"), line("-1"), *somebodys, nobodys], [ADA], month)
    assert (read.rows, read.unassigned) == (5, 6.0)


def test_a_moment_without_a_zone_is_in_utc_wherever_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        (found,) = bill(line(at="2026-04-01T02:00:00"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found.month == APRIL


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ((line("dear"),), "Row 2: BilledCost 'dear'"),
        ((line("1"), line("inf")), "Row 3: BilledCost 'inf'"),
        ((line(at="yesterday"),), "ChargePeriodStart 'yesterday'"),
        ((line(tags="[]"),), "Tags are no JSON object"),
        ((line(tags="{oops"),), "Tags are no JSON object"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_taken(rows: tuple[str, ...], why: str) -> None:
    with pytest.raises(BadInputError) as told:
        bill(*rows)
    assert told.value.code == "bad_bill"
    assert why in told.value.why


def test_a_missing_column_is_named() -> None:
    with pytest.raises(BadInputError) as told:
        bill(head="Cost,BillingCurrency")
    assert "'BilledCost'" in told.value.why

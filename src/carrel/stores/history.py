"""What `ports.history.History` promises, by named SQL, within one transaction."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from carrel.domain.fleet.remembering import Billed, Ran
from carrel.domain.fleet.remembering import Record as Recorded
from carrel.stores import history_statements as statements
from carrel.stores.cells import (
    Cell,
    Connection,
    amount_of,
    bytes_of,
    moment_of,
    record_of,
    stored,
    text_of,
)

_PAGE = 100
_TICK = timedelta(microseconds=1)


class SqlHistory:
    """Part of a transaction; `SqlSession.history` gives it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_record(self, fleet: str, record: Recorded, after: datetime | None) -> bool:
        """Insert an observation, if the newest one is still of the moment `after`."""
        if self.last_record(fleet) != after:
            return False
        row: dict[str, Cell] = {
            "fleet": stored(fleet),
            "at": self._connection.moment(record.at),
            "alone": record.alone,
            "body": record.body,
        }
        self._connection.run(statements.ADD_RECORD, row)
        return True

    def last_record(self, fleet: str) -> datetime | None:
        """Return of which moment the newest observation is."""
        return self._moment(statements.LAST_RECORD, {"fleet": stored(fleet)})

    def records(self, fleet: str, since: datetime, until: datetime) -> Iterator[Recorded]:
        """Return observations, oldest first; the first stands alone. Read page by page."""
        where: dict[str, Cell] = {"fleet": stored(fleet), "since": self._connection.moment(since)}
        first = self._moment(statements.LAST_ALONE, where)
        if first is None:
            first = self._moment(statements.FIRST_ALONE, where)
        if first is None:
            return
        where |= {"until": self._connection.moment(until), "limit": _PAGE}
        while True:
            where["since"] = self._connection.moment(first)
            rows = self._connection.rows(statements.RECORDS, where)
            for row in rows:
                cells = record_of(statements.RECORD[1:], row)
                at = moment_of(cells, "at")
                yield Recorded(at, bool(cells["alone"]), bytes_of(cells, "body"))
                first = at + _TICK
            if len(rows) < _PAGE:
                return

    def forget_records(self, fleet: str, before: datetime) -> int:
        """Delete what no observation from a moment on stands on."""
        where: dict[str, Cell] = {"fleet": stored(fleet), "since": self._connection.moment(before)}
        first = self._moment(statements.LAST_ALONE, where)
        if first is None:
            return 0
        where = {"fleet": stored(fleet), "before": self._connection.moment(first)}
        return self._connection.run(statements.FORGET_RECORDS, where)

    def add_running(self, fleet: str, ran: Sequence[Ran]) -> None:
        """Add to the running time of workspaces."""
        rows: list[dict[str, Cell]] = [
            {
                "fleet": stored(fleet),
                "month": self._connection.moment(one.month),
                "workspace_id": stored(one.workspace_id),
                "workspace": stored(one.workspace),
                "owner": stored(one.owner),
                "template": stored(one.template),
                "seconds": one.seconds,
            }
            for one in ran
        ]
        self._connection.run_many(statements.ADD_RUNNING, rows)

    def running(self, fleet: str, since: datetime, until: datetime) -> list[Ran]:
        """Return the running time in the months that begin in a span."""
        found = [
            record_of(statements.RAN[1:], row)
            for row in self._connection.rows(statements.RUNNING, self._span(fleet, since, until))
        ]
        return [
            Ran(
                month=moment_of(cells, "month"),
                workspace_id=text_of(cells, "workspace_id"),
                workspace=text_of(cells, "workspace"),
                owner=text_of(cells, "owner"),
                template=text_of(cells, "template"),
                seconds=amount_of(cells, "seconds"),
            )
            for cells in found
        ]

    def put_bill(self, fleet: str, month: datetime, account: str, lines: Sequence[Billed]) -> int:
        """Replace what an account has billed for a month."""
        key: dict[str, Cell] = {
            "fleet": stored(fleet),
            "month": self._connection.moment(month),
            "account": stored(account),
        }
        before = self._connection.run(statements.DROP_BILL, key)
        rows: list[dict[str, Cell]] = [
            key
            | {
                "workspace": stored(one.workspace),
                "owner": stored(one.owner),
                "template": stored(one.template),
                "cost": one.cost,
                "currency": stored(one.currency),
            }
            for one in lines
        ]
        self._connection.run_many(statements.ADD_BILLED, rows)
        return before

    def bills(self, fleet: str, since: datetime, until: datetime) -> list[Billed]:
        """Return what was billed for the months that begin in a span."""
        found = [
            record_of(statements.BILLED[1:], row)
            for row in self._connection.rows(statements.BILLS, self._span(fleet, since, until))
        ]
        return [
            Billed(
                month=moment_of(cells, "month"),
                account=text_of(cells, "account"),
                workspace=text_of(cells, "workspace"),
                owner=text_of(cells, "owner"),
                template=text_of(cells, "template"),
                cost=amount_of(cells, "cost"),
                currency=text_of(cells, "currency"),
            )
            for cells in found
        ]

    def _span(self, fleet: str, since: datetime, until: datetime) -> dict[str, Cell]:
        return {
            "fleet": stored(fleet),
            "since": self._connection.moment(since),
            "until": self._connection.moment(until),
        }

    def _moment(self, statement: str, where: dict[str, Cell]) -> datetime | None:
        for (found,) in self._connection.rows(statement, where):
            return None if found is None else moment_of({"at": found}, "at")
        return None

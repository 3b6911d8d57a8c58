"""The statements about recorded observations, running time and bills; see `statements`."""

from carrel.stores.statements import insert_into, select_from

# Rows are read without the fleet, which is known by then.
RECORD = ("fleet", "at", "alone", "body")
RAN = ("fleet", "month", "workspace_id", "workspace", "owner", "template", "seconds")
BILLED = ("fleet", "month", "account", "workspace", "owner", "template", "cost", "currency")

ADD_RECORD = insert_into("observations", RECORD)
LAST_RECORD = "SELECT max(at) FROM observations WHERE fleet = :fleet"
LAST_ALONE = "SELECT max(at) FROM observations WHERE fleet = :fleet AND alone AND at <= :since"
FIRST_ALONE = "SELECT min(at) FROM observations WHERE fleet = :fleet AND alone AND at > :since"
RECORDS = select_from(
    "observations",
    RECORD[1:],
    "WHERE fleet = :fleet AND at >= :since AND at <= :until ORDER BY at LIMIT :limit",
)
FORGET_RECORDS = "DELETE FROM observations WHERE fleet = :fleet AND at < :before"

ADD_RUNNING = (
    insert_into("running_time", RAN)
    + " ON CONFLICT (fleet, month, workspace_id) DO UPDATE SET workspace = excluded.workspace, "
    "owner = excluded.owner, template = excluded.template, "
    "seconds = running_time.seconds + excluded.seconds"
)
RUNNING = select_from(
    "running_time",
    RAN[1:],
    "WHERE fleet = :fleet AND month >= :since AND month < :until ORDER BY month, workspace_id",
)

DROP_BILL = "DELETE FROM bill_lines WHERE fleet = :fleet AND month = :month AND account = :account"
ADD_BILLED = insert_into("bill_lines", BILLED)
BILLS = select_from(
    "bill_lines",
    BILLED[1:],
    "WHERE fleet = :fleet AND month >= :since AND month < :until "
    "ORDER BY month, account, template, workspace, owner",
)

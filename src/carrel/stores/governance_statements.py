"""The statements about plans, leases, the freeze and warnings; see `statements`."""

from carrel.domain.governance.plans import ActionState
from carrel.stores.statements import insert_into, select_from

PLAN = ("plan_id", "hash", "purpose", "fleet", "made_at", "made_by", "undoes", "body")
PLAN_LINE = ("plan_id", "purpose", "fleet", "made_at", "made_by", "undoes")
OLD_PLAN = ("plan_id", "made_at")
ACTION = (
    "plan_id",
    "number",
    "workspace_id",
    "deed",
    "stops",
    "state",
    "at",
    "sent_at",
    "holder",
    "build_number",
    "build_id",
    "note",
    "before",
)
PROGRESS = tuple(name for name in ACTION if name not in {"workspace_id", "deed", "stops"})
KEEP = ("keep_id", "fleet", "workspace_id", "workspace", "kept_by", "reason", "at", "until")
FREEZE = ("scope", "frozen_by", "reason", "at")
WARNING = (
    "fleet",
    "workspace_id",
    "build_number",
    "due",
    "owner_id",
    "at",
    "delivery",
    "recipient",
    "why",
    "plan_id",
)

# The names are those of ActionState, never a caller's text.
_UNDER_WAY = f"state IN ('{ActionState.SENT}', '{ActionState.FOLLOWING}')"
_WENT_WRONG = f"state IN ('{ActionState.FAILED}', '{ActionState.UNCERTAIN}')"
# Asked of the few rows that an index finds. A list of the fleet's plans would be taken first: then
# every action of all times is read, whenever one is begun.
_OF_FLEET = (
    "EXISTS (SELECT 1 FROM plans "
    "WHERE plans.plan_id = plan_actions.plan_id AND plans.fleet = :fleet)"
)

ADD_PLAN = insert_into("plans", PLAN)
ADD_ACTION = insert_into("plan_actions", ACTION)
PLAN_BY_ID = select_from("plans", PLAN, "WHERE plan_id = :plan_id")
PLANS = select_from("plans", PLAN_LINE, "ORDER BY made_at DESC, plan_id LIMIT :limit")
PLANS_OF = select_from(
    "plans", PLAN_LINE, "WHERE fleet = :fleet ORDER BY made_at DESC, plan_id LIMIT :limit"
)
PLAN_IDS = select_from("plans", ("plan_id",), "WHERE substr(plan_id, 1, :size) = :start")
STATES = "SELECT state, count(*) FROM plan_actions WHERE plan_id = :plan_id GROUP BY state"
PROGRESS_OF = select_from("plan_actions", PROGRESS, "WHERE plan_id = :plan_id ORDER BY number")
UNDER_WAY = select_from(
    "plan_actions",
    PROGRESS,
    f"WHERE {_UNDER_WAY} AND {_OF_FLEET} ORDER BY sent_at, plan_id, number",
)

TO_BEGIN = (
    "SELECT a.state, a.deed, a.stops, a.workspace_id, p.purpose, p.fleet FROM plan_actions a "
    "JOIN plans p ON p.plan_id = a.plan_id "
    "WHERE a.plan_id = :plan_id AND a.number = :number"
)
# What has no answer yet may arrive at any moment: it counts as sent now.
STOPS_SINCE = (
    f"SELECT CASE WHEN state = '{ActionState.SENT}' THEN :at ELSE sent_at END AS sent "  # noqa: S608
    "FROM plan_actions "
    f"WHERE stops AND (sent_at > :since OR state = '{ActionState.SENT}') AND {_OF_FLEET} "
    "ORDER BY sent"
)
STOPS_BESIDE = (
    "SELECT count(*) FROM plan_actions "  # noqa: S608 - constants
    "WHERE stops AND workspace_id = :workspace_id AND plan_id <> :plan_id "
    f"AND (state = '{ActionState.SENT}' OR sent_at >= :looked_at) AND {_OF_FLEET}"
)
STOPS_UNDER_WAY = (
    "SELECT count(*) FROM plan_actions "  # noqa: S608 - constants
    f"WHERE stops AND {_UNDER_WAY} AND {_OF_FLEET}"
)
STOPS_BEGUN = (
    "SELECT count(*) FROM plan_actions WHERE plan_id = :plan_id AND stops AND sent_at IS NOT NULL"
)
WENT_WRONG = f"SELECT count(*) FROM plan_actions WHERE plan_id = :plan_id AND {_WENT_WRONG}"  # noqa: S608
BEGIN = (
    f"UPDATE plan_actions SET state = '{ActionState.SENT}', at = :at, sent_at = :at, "  # noqa: S608
    "holder = :holder, build_number = :build_number, before = :before "
    f"WHERE plan_id = :plan_id AND number = :number AND state = '{ActionState.WAITING}'"
)
ADVANCE = (
    "UPDATE plan_actions SET state = :state, at = :at, build_id = :build_id, note = :note, "  # noqa: S608
    f"sent_at = CASE WHEN state = '{ActionState.SENT}' THEN :at ELSE sent_at END "
    "WHERE plan_id = :plan_id AND number = :number AND state = :was"
)
# Found by the moment: nearly all of them are done, and COALESCE keeps that index out of it.
STOPPED = (
    "SELECT workspace_id, at, build_number, before FROM plan_actions "  # noqa: S608 - constants
    f"WHERE stops AND COALESCE(state, '') = '{ActionState.DONE}' AND sent_at > :since "
    f"AND {_OF_FLEET} "
    "ORDER BY at, plan_id, number"
)

_OLD = "WHERE fleet = :fleet AND made_at < :before AND {} ORDER BY made_at, plan_id LIMIT :limit"
_NO_ACTION = "NOT EXISTS (SELECT 1 FROM plan_actions WHERE plan_actions.plan_id = plans.plan_id AND"
_OPEN = f"(state = '{ActionState.WAITING}' OR {_UNDER_WAY})"
# What a younger plan takes back stays as long as that one.
_TAKEN_BACK = "plan_id IN (SELECT undoes FROM plans WHERE undoes <> '')"
OVER_PLANS = select_from(
    "plans",
    OLD_PLAN,
    _OLD.format(f"{_NO_ACTION} ({_OPEN} OR at >= :before)) AND NOT {_TAKEN_BACK}"),
)
# Found by what waits: nearly all plans of that age were carried out.
_WAITS = f"plan_id IN (SELECT plan_id FROM plan_actions WHERE state = '{ActionState.WAITING}')"  # noqa: S608
_BEGUN = f"(state <> '{ActionState.WAITING}' OR sent_at IS NOT NULL)"
_NO_WARNING = (
    "NOT EXISTS (SELECT 1 FROM ledger "
    "WHERE ledger.subject = plans.plan_id AND ledger.action = 'plan.warned')"
)
SHOWN_PLANS = select_from(
    "plans", OLD_PLAN, _OLD.format(f"{_WAITS} AND {_NO_ACTION} {_BEGUN}) AND {_NO_WARNING}")
)
FORGET_ACTIONS = "DELETE FROM plan_actions WHERE plan_id = :plan_id"
FORGET_PLAN = "DELETE FROM plans WHERE plan_id = :plan_id"

ADD_KEEP = insert_into("keep_alives", KEEP)
KEEPS = select_from(
    "keep_alives",
    KEEP,
    "WHERE fleet = :fleet AND until > :at ORDER BY until, keep_id",
)
END_KEEP = "UPDATE keep_alives SET until = :until WHERE keep_id = :keep_id AND until > :until"

FREEZE_ROW = select_from("freezes", FREEZE, "WHERE scope = 'all'")
PUT_FREEZE = insert_into("freezes", FREEZE) + " ON CONFLICT (scope) DO NOTHING"
DROP_FREEZE = "DELETE FROM freezes WHERE scope = 'all'"

ADD_WARNING = (
    insert_into("warnings", WARNING)
    + " ON CONFLICT (fleet, workspace_id, build_number, due) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in WARNING[4:])
)
WARNINGS = select_from(
    "warnings", WARNING, "WHERE fleet = :fleet AND at >= :since ORDER BY at, workspace_id, due"
)

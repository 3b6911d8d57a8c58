"""What every store promises, on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from carrel.domain.checkpoints import Checkpoint
from carrel.domain.conflicts import ConflictKind, Settlement, Side, Strategy, Version
from carrel.domain.leases import Lease
from carrel.domain.ledger import first_break
from carrel.domain.limits import Limits
from carrel.domain.projects import Project
from carrel.domain.workspaces import Outcome, State, Workspace
from carrel.errors import BadInputError, CarrelError, LimitError, NotFoundError, RefusedError
from carrel.stores.database import DatabaseService

if TYPE_CHECKING:
    from carrel.ports.store import Store

PLENTY = Limits(max_count=1000)
HOSTILE = [
    "plain",
    "back\\slash\\x",
    "\\escaped:not",
    "tab\tand\nnewline 'quote\" %s :name",
    "ümlaut 漢字 \U0001f600",
    "not utf-8: \udcff\udc80",
    "nul \0 within",
    "",
]

Making = Callable[..., Workspace]
Checkpointing = Callable[..., Checkpoint]


def test_it_is_a_store(db: DatabaseService) -> None:
    store: Store = db
    with store.reading() as session:
        assert session.projects() == []


# --- transactions ----------------------------------------------------------------------------


def test_a_block_that_raises_leaves_no_trace(db: DatabaseService, project: Project) -> None:
    def begin_and_fail() -> None:
        with db.writing() as session:
            session.add_project(project)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        begin_and_fail()
    with db.reading() as session:
        assert session.projects() == []
    with db.writing() as session:  # and the connection is still good
        session.add_project(project)


def test_reading_changes_nothing(filled: DatabaseService, making: Making) -> None:
    with pytest.raises(CarrelError), filled.reading() as session:
        session.add_workspace(making(2), PLENTY)
    with filled.reading() as session:
        assert len(session.workspaces()) == 1
    with filled.writing() as session:  # the same connection may write again
        session.add_workspace(making(2), PLENTY)


def test_reading_sees_one_state_from_its_first_look_on(
    filled: DatabaseService, making: Making
) -> None:
    with filled.reading() as reader:
        before = reader.workspaces()
        with filled.writing() as writer:
            writer.add_workspace(making(2), PLENTY)
        assert reader.workspaces() == before
    with filled.reading() as reader:
        assert len(reader.workspaces()) == 2


# --- projects --------------------------------------------------------------------------------


def test_projects_are_listed_by_name(db: DatabaseService, project: Project) -> None:
    others = [replace(project, project_id=f"p-{name}", name=name) for name in ("zeta", "Alpha")]
    with db.writing() as session:
        for one in (project, *others):
            session.add_project(one)
    with db.reading() as session:
        assert [one.name for one in session.projects()] == ["Alpha", "Demo", "zeta"]
        assert session.project("p-1") == project
        assert session.project_named("DEMO") == project
        assert session.project("p-2") is None


def test_a_taken_project_name_is_refused(filled: DatabaseService, project: Project) -> None:
    with pytest.raises(RefusedError) as caught, filled.writing() as session:
        session.add_project(replace(project, project_id="p-2", name="DEMO"))
    assert caught.value.code == "project_exists"


def test_a_project_with_workspaces_stays(filled: DatabaseService, making: Making) -> None:
    for state in (State.ACTIVE, State.TRASHED):
        with filled.writing() as session:
            session.save_workspace(making(1, state=state))
        with pytest.raises(RefusedError) as caught, filled.writing() as session:
            session.remove_project("p-1")
        assert caught.value.code == "project_in_use"
        assert "agent-1" in str(caught.value)


def test_a_removed_project_frees_its_name_and_keeps_its_history(
    filled: DatabaseService, making: Making, project: Project
) -> None:
    gone = making(1, state=State.REMOVED)
    with filled.writing() as session:
        session.save_workspace(gone)
        session.remove_project("p-1")
        session.add_project(replace(project, project_id="p-2"))
    with filled.reading() as session:
        assert [one.project_id for one in session.projects()] == ["p-2"]
        assert session.project("p-1") is None
        assert session.workspace("ws-1") == gone


def test_removing_an_unknown_project_says_so(db: DatabaseService) -> None:
    with pytest.raises(NotFoundError) as caught, db.writing() as session:
        session.remove_project("p-9")
    assert caught.value.code == "unknown_project"


# --- workspaces ------------------------------------------------------------------------------


def test_a_workspace_comes_back_as_it_went(filled: DatabaseService, making: Making) -> None:
    child = making(
        2,
        parent_id="ws-1",
        depth=1,
        merged_to="main",
        merged_commit="b" * 64,
        outcome=Outcome.MERGED,
        options=(("driver", "auto"), ("from", "x\udcff")),
        created_at=datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    )
    with filled.writing() as session:
        session.add_workspace(child, PLENTY)
    with filled.reading() as session:
        found = session.workspace("ws-2")
    assert found == child
    assert found is not None
    assert found.created_at.tzinfo is UTC


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_comes_back_as_it_went(
    filled: DatabaseService, making: Making, checkpointing: Checkpointing, text: str
) -> None:
    odd = making(2, branch_name=text, start_ref=text, target_branch=text, home=text)
    point = checkpointing(1, message=text)
    with filled.writing() as session:
        session.add_workspace(odd, PLENTY)
        session.add_checkpoint(point)
        event = session.append(odd.created_at, text, "x", text, {"path": text, text: [text]})
    with filled.reading() as session:
        assert session.workspace("ws-2") == odd
        assert session.checkpoints("ws-1") == [point]
        assert session.branch_taken("p-1", text)
        assert list(session.events(subject=text)) == [event]
        assert first_break(session.events()) is None


def test_an_agent_has_one_open_workspace_in_any_case(
    filled: DatabaseService, making: Making
) -> None:
    with pytest.raises(RefusedError) as caught, filled.writing() as session:
        session.add_workspace(making(2, agent_id="AGENT-1"), PLENTY)
    assert caught.value.code == "agent_busy"
    with filled.reading() as session:
        assert session.open_workspace_of("Agent-1") == making(1)


def test_the_database_itself_refuses_a_second_open_workspace(
    filled: DatabaseService, making: Making
) -> None:
    with filled.writing() as session:
        session.save_workspace(making(1, state=State.TRASHED))
        session.add_workspace(making(2, agent_id="agent-1"), PLENTY)
    statement = "UPDATE agent_workspaces SET state = 'active' WHERE workspace_id = 'ws-1'"
    with pytest.raises(Exception, match=r"(?i)unique"), filled.get_session() as session:
        session.connection().exec_driver_sql(statement)


@pytest.mark.parametrize("state", [State.TRASHED, State.REMOVED])
def test_an_agent_owns_several_workspaces_over_time(
    filled: DatabaseService, making: Making, state: State
) -> None:
    second = making(2, agent_id="Agent-1")
    with filled.writing() as session:
        session.save_workspace(making(1, state=state))
        assert session.open_workspace_of("agent-1") is None
        session.add_workspace(second, PLENTY)
        assert session.open_workspace_of("agent-1") == second


def test_a_workspace_does_not_open_again_over_another(
    filled: DatabaseService, making: Making
) -> None:
    with filled.writing() as session:
        session.save_workspace(making(1, state=State.TRASHED))
        session.add_workspace(making(2, agent_id="agent-1"), PLENTY)
    with pytest.raises(RefusedError) as caught, filled.writing() as session:
        session.save_workspace(making(1, state=State.ACTIVE))
    assert caught.value.code == "agent_busy"


def test_a_branch_stays_with_its_workspace(filled: DatabaseService, making: Making) -> None:
    with filled.writing() as session:
        session.save_workspace(making(1, state=State.REMOVED))
        assert session.branch_taken("p-1", "CARREL/agent-1")
        assert not session.branch_taken("p-2", "carrel/agent-1")
    with pytest.raises(RefusedError) as caught, filled.writing() as session:
        session.add_workspace(making(2, branch_name="carrel/AGENT-1"), PLENTY)
    assert caught.value.code == "branch_taken"


def test_saving_an_unknown_workspace_says_so(filled: DatabaseService, making: Making) -> None:
    with pytest.raises(NotFoundError) as caught, filled.writing() as session:
        session.save_workspace(making(9))
    assert caught.value.code == "unknown_workspace"


def test_workspaces_are_listed_oldest_first_and_by_state(
    filled: DatabaseService, making: Making, project: Project
) -> None:
    other = making(2, project_id="p-2", created_at=project.created_at, state=State.ACTIVE)
    with filled.writing() as session:
        session.add_project(replace(project, project_id="p-2", name="other"))
        session.add_workspace(making(3, state=State.TRASHED), PLENTY)
        session.add_workspace(other, PLENTY)

    def listed(*args: object, **how: object) -> list[str]:
        with filled.reading() as session:
            return [one.workspace_id for one in session.workspaces(*args, **how)]  # type: ignore[arg-type]

    assert listed() == ["ws-2", "ws-1", "ws-3"]
    assert listed("p-1") == ["ws-1", "ws-3"]
    assert listed("p-1", [State.TRASHED]) == ["ws-3"]
    assert listed(states=[State.ACTIVE, State.CREATING]) == ["ws-2", "ws-1"]
    assert listed(states=[]) == []


# --- limits ----------------------------------------------------------------------------------


def test_one_more_than_max_count_is_refused_and_named(
    filled: DatabaseService, making: Making
) -> None:
    with filled.writing() as session:
        session.add_workspace(making(2), Limits(max_count=2))
    with pytest.raises(LimitError) as caught, filled.writing() as session:
        session.add_workspace(making(3), Limits(max_count=2))
    assert caught.value.code == "max_count"
    assert "agent-1, agent-2" in str(caught.value)


def test_only_open_workspaces_count(filled: DatabaseService, making: Making) -> None:
    with filled.writing() as session:
        session.save_workspace(making(1, state=State.TRASHED))
        session.add_workspace(making(2), Limits(max_count=1))
    with pytest.raises(LimitError), filled.writing() as session:
        session.save_workspace(making(1, state=State.ACTIVE), Limits(max_count=1))
    with filled.writing() as session:  # an open one is never caught by a limit set later
        session.save_workspace(making(2, state=State.ACTIVE), Limits(max_count=1))


def test_max_depth_is_the_longest_chain_of_parents(filled: DatabaseService, making: Making) -> None:
    limits = Limits(max_depth=1)
    with filled.writing() as session:
        session.add_workspace(making(2, parent_id="ws-1", depth=1), limits)
    with pytest.raises(LimitError) as caught, filled.writing() as session:
        session.add_workspace(making(3, parent_id="ws-2", depth=2), limits)
    assert caught.value.code == "max_depth"


@pytest.mark.parametrize("depth", [0, 2])
def test_the_depth_must_be_true(filled: DatabaseService, making: Making, depth: int) -> None:
    with pytest.raises(BadInputError) as caught, filled.writing() as session:
        session.add_workspace(making(2, parent_id="ws-1", depth=depth), PLENTY)
    assert caught.value.code == "wrong_depth"


def test_a_parent_must_exist(filled: DatabaseService, making: Making) -> None:
    with pytest.raises(NotFoundError), filled.writing() as session:
        session.add_workspace(making(2, parent_id="ws-9", depth=1), PLENTY)


def test_a_workspace_needs_a_project_that_is_on_the_list(
    filled: DatabaseService, making: Making
) -> None:
    with filled.writing() as session:
        session.save_workspace(making(1, state=State.REMOVED))
        session.remove_project("p-1")
    for project in ("p-1", "p-9"):
        with pytest.raises(NotFoundError) as caught, filled.writing() as session:
            session.add_workspace(making(2, project_id=project), PLENTY)
        assert caught.value.code == "unknown_project"


@pytest.mark.parametrize(
    "wrong",
    [
        {"head_commit": "abc"},
        {"agent_id": ""},
        {"merged_commit": "a" * 40},
    ],
)
def test_the_database_refuses_rows_that_make_no_sense(
    filled: DatabaseService, making: Making, wrong: dict[str, object]
) -> None:
    with pytest.raises(CarrelError) as caught, filled.writing() as session:
        session.add_workspace(making(2, **wrong), PLENTY)
    assert caught.value.code == "database_refused"
    with filled.reading() as session:
        assert session.workspace("ws-2") is None


# --- checkpoints -----------------------------------------------------------------------------


def test_checkpoints_are_listed_by_number(
    filled: DatabaseService, checkpointing: Checkpointing
) -> None:
    second = checkpointing(2, iteration=7, reason="validation")
    first = checkpointing(1, files_changed=0, empty=True)
    with filled.writing() as session:
        session.add_checkpoint(second)
        session.add_checkpoint(first)
    with filled.reading() as session:
        assert session.checkpoints("ws-1") == [first, second]
        assert session.last_checkpoint("ws-1") == second
        assert session.iteration("ws-1", 7) == second
        assert session.iteration("ws-1", 8) is None
        assert session.last_checkpoint("ws-2") is None


@pytest.mark.parametrize(
    ("number", "iteration", "code"), [(2, 1, "iteration_taken"), (1, 2, "checkpoint_taken")]
)
def test_a_checkpoint_is_made_once(
    filled: DatabaseService, checkpointing: Checkpointing, number: int, iteration: int, code: str
) -> None:
    with filled.writing() as session:
        session.add_checkpoint(checkpointing(1, iteration=1))
    with pytest.raises(RefusedError) as caught, filled.writing() as session:
        session.add_checkpoint(checkpointing(number, checkpoint_id="cp-2", iteration=iteration))
    assert caught.value.code == code


# --- settled conflicts -----------------------------------------------------------------------


def test_settlements_come_back_in_order(filled: DatabaseService, now: datetime) -> None:
    many = [
        Settlement(
            path=f"dir/file-\udcfe-{number}",
            kind=ConflictKind.RENAME_RENAME_1TO2,
            strategy=Strategy.NEWEST_FILE_WINS,
            winner=Side.CHILD,
            winning=(Version("b\udc80", "100644", "1" * 40), Version("c", "120000", "2" * 40)),
            losing=(),
            kept_ref="refs/carrel/lost/m-1/parent",
            reason="The child's side is newer.",
        )
        for number in range(12)
    ]
    union = replace(many[0], winner=None, strategy=Strategy.UNION, kind=ConflictKind.CONTENT)
    with filled.writing() as session:
        session.add_settlements("m-1", "ws-1", many, now)
        session.add_settlements("m-1", "ws-1", [union], now)
        session.add_settlements("m-0", "ws-1", [union], now + timedelta(seconds=1))
        session.add_settlements("m-2", "ws-1", [], now)
    with filled.reading() as session:
        found = session.settlements("ws-1")
    assert found == [*[("m-1", one) for one in many], ("m-1", union), ("m-0", union)]


# --- leases ----------------------------------------------------------------------------------


def test_a_lease_is_put_replaced_and_dropped_by_its_bearer(
    filled: DatabaseService, now: datetime
) -> None:
    lease = Lease("ws-1", "a person", "t-1", "host", 42, now, now)
    later = replace(lease, holder="another", token="t-2", heartbeat_at=now + timedelta(hours=1))
    with filled.writing() as session:
        assert session.lease("ws-1") is None
        session.put_lease(lease)
        assert session.lease("ws-1") == lease
        session.put_lease(later)
        assert session.leases() == [later]
        assert not session.drop_lease("ws-1", "t-1")
        assert session.drop_lease("ws-1", "t-2")
        assert session.leases() == []

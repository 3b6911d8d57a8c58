"""A past is put together from logs; what is not known is taken for the safe side."""

from dataclasses import replace
from datetime import timedelta

from carrel.domain.fleet.history import Connection
from carrel.domain.fleet.reconstructing import Logs, Reconstruction
from carrel.domain.fleet.reports.running import Turn
from carrel.domain.fleet.workspaces import FleetWorkspace, TaskStatus, Transition, Work
from carrel.testing.observations import NOW, build, observation, workspace

HOUR = timedelta(hours=1)
SINCE = NOW - 24 * HOUR


def turn(hours: float, *, on: bool, last: bool = False) -> Turn:
    return Turn(SINCE + hours * HOUR, on, last, "w1", "ann/desk")


def connection(begin: float, end: float | None, number: int = 1) -> Connection:
    ended = None if end is None else SINCE + end * HOUR
    began = SINCE + begin * HOUR
    return Connection(f"c{number}", "w1", "desk", "ann", "ann", "ssh", began, ended)


def states(
    one: FleetWorkspace,
    *turns: Turn,
    connections: tuple[Connection, ...] | None = (),
    deleted: bool = False,
    key: str = "w1",
) -> dict[float, FleetWorkspace | None]:
    """Return how a workspace was at each full hour."""
    seen = observation(*(() if deleted else (one,)))
    logs = Logs(seen, (one,) if deleted else (), {key: turns}, connections)
    found: dict[float, FleetWorkspace | None] = {}
    for look in Reconstruction(logs, SINCE, NOW).looks():
        passed = (look.frame.at - SINCE) / HOUR
        if passed == int(passed):
            found[passed] = look.workspace("w1")
    return found


def on(found: dict[float, FleetWorkspace | None]) -> set[float]:
    return {hour for hour, one in found.items() if one is not None and one.on}


def test_it_ran_when_the_log_says() -> None:
    stopped = workspace(build=build(transition=Transition.STOP))
    found = states(stopped, turn(2.5, on=False), turn(10, on=True), turn(15, on=False))
    assert on(found) == {0, 1, 2, 10, 11, 12, 13, 14}
    assert found[12] is not None
    assert found[12].on_since == SINCE + 10 * HOUR


def test_a_start_before_the_time_is_known_where_the_log_tells_of_it() -> None:
    found = states(workspace(), turn(-5, on=True), turn(3, on=False), turn(21, on=True))
    assert found[1] is not None
    assert found[1].on_since == SINCE - 5 * HOUR


def test_a_log_without_ids_goes_by_names() -> None:
    assert on(states(workspace(), turn(3, on=False), turn(23, on=True), key="ann/desk")) == {
        0, 1, 2, 23, 24,
    }  # fmt: skip


def test_what_is_deleted_first_or_was_not_made_yet_did_not_run_before() -> None:
    assert on(states(workspace(), turn(5, on=False, last=True), deleted=True)) == set()
    young = workspace(created_at=SINCE + 2 * HOUR)
    assert on(states(young, turn(5, on=False))) == set()


def test_without_a_line_in_the_log_the_present_run_tells() -> None:
    assert on(states(workspace())) == {21, 22, 23, 24}


def test_it_is_not_there_before_it_was_made_nor_after_it_was_deleted() -> None:
    young = workspace(created_at=SINCE + 5 * HOUR)
    found = states(young, turn(5, on=True), turn(9, on=False, last=True), deleted=True)
    assert {hour for hour, one in found.items() if one is not None} == {5, 6, 7, 8}


def test_who_was_connected_when() -> None:
    lines = (connection(4, 6), connection(5, 9, 2), connection(20, None, 3))
    found = states(workspace(), turn(-1, on=True), connections=lines)
    busy = {h for h, one in found.items() if one and one.activity.work is Work.CONNECTED}
    assert busy == {4, 5, 6, 7, 8, 20, 21, 22, 23, 24}
    assert found[12] is not None
    assert found[12].activity.since == SINCE + 9 * HOUR
    assert found[12].last_used_at == SINCE + 9 * HOUR


def test_who_left_before_the_time_begins_is_not_there_but_was_the_last() -> None:
    lines = (connection(-6, -3), connection(-4, 0, 2), connection(-5, 2, 3))
    found = states(workspace(), turn(-9, on=True), connections=lines[:1])
    assert {one.activity.work for one in found.values() if one} == {Work.IDLE}
    assert found[0] is not None
    assert (found[0].activity.since, found[0].last_used_at) == (SINCE - 3 * HOUR,) * 2
    found = states(workspace(), turn(-9, on=True), connections=lines)
    busy = {h for h, one in found.items() if one and one.activity.work is Work.CONNECTED}
    assert busy == {0, 1}


def test_a_stop_ends_connections() -> None:
    found = states(workspace(), turn(-1, on=True), turn(6, on=False), turn(8, on=True),
                   connections=(connection(4, None),))  # fmt: skip
    assert found[9] is not None
    assert found[9].activity.work is Work.IDLE


def test_what_can_not_be_seen_counts_as_in_use() -> None:
    found = states(workspace(), turn(-1, on=True), connections=None)
    assert {one.activity.work for one in found.values() if one} == {Work.UNKNOWN}
    task = replace(workspace(), task_id="t", task=TaskStatus.IDLE)
    assert {one.task for one in states(task, turn(-1, on=True)).values() if one} == {
        TaskStatus.UNKNOWN
    }


def test_everything_is_touched_at_first_and_then_what_moved() -> None:
    logs = Logs(observation(workspace()), (), {"w1": (turn(2, on=False),)}, ())
    looks = Reconstruction(logs, SINCE, NOW).looks()
    moved = [look.frame.at for look in looks if look.touched]
    assert moved == [SINCE, SINCE + 2 * HOUR]

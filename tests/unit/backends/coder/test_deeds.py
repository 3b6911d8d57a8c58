"""Changing a fleet: what is decided before, what each answer means, what a lost answer becomes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from carrel.backends.coder.queuing import decision
from carrel.backends.coder.workspaces import read_sight
from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.errors import FailedError
from carrel.ports.fleet import Outcome

LOST = [
    httpx2.ReadTimeout(""),
    httpx2.RemoteProtocolError("cut"),
    (500, {}),
    (502, {}),
    (503, {}),
    (504, {}),
    (201, {"no": "id"}),
]
BUILDS = "/workspaces/ws-1/builds"


@pytest.fixture
def seen(workspace):
    return read_sight(workspace()).workspace


@pytest.mark.parametrize(
    ("transition", "status", "outcome"),
    [
        ("start", "succeeded", None),
        ("start", "pending", Outcome.CONFLICT),
        ("start", "running", Outcome.CONFLICT),
        ("stop", "pending", Outcome.UNCHANGED),
        ("stop", "running", Outcome.UNCHANGED),
        ("stop", "succeeded", Outcome.UNCHANGED),
        ("delete", "pending", Outcome.CONFLICT),
        ("delete", "running", Outcome.CONFLICT),
        ("delete", "succeeded", Outcome.REFUSED),
        ("start", "canceling", Outcome.CONFLICT),
        ("stop", "canceling", Outcome.CONFLICT),
        ("start", "failed", None),
        ("stop", "failed", None),
        ("start", "canceled", None),
        ("delete", "failed", None),
        ("start", "unknown", Outcome.CONFLICT),
        ("unknown", "succeeded", Outcome.CONFLICT),
    ],
)
def test_whether_a_stop_is_queued_follows_from_the_latest_build(seen, transition, status, outcome):
    build = replace(seen.build, transition=Transition(transition), status=BuildStatus(status))
    decided = decision(replace(seen, build=build), Transition.STOP)
    assert (decided and decided.outcome) == outcome


def test_a_stop_is_one_request_that_asks_for_nothing_else(coder, deployment, seen):
    deployment.on("POST", BUILDS, (201, {"id": "build-8"}))
    receipt = coder.stop(seen)
    assert (receipt.outcome, receipt.build_id) == (Outcome.ACCEPTED, "build-8")
    assert deployment.sent("POST") == [(BUILDS, {"transition": "stop"})]
    assert deployment.sent("GET") == []


@pytest.mark.parametrize("trouble", LOST)
def test_a_lost_answer_is_looked_for_once_and_found(coder, deployment, workspace, seen, trouble):
    deployment.on("POST", BUILDS, trouble)
    deployment.on("GET", "/workspaces/ws-1", workspace(8, "stop", "pending"))
    receipt = coder.stop(seen)
    assert (receipt.outcome, receipt.build_id) == (Outcome.ACCEPTED, "build-8")
    assert len(deployment.sent("POST")) == 1
    assert len(deployment.sent("GET")) == 1


@pytest.mark.parametrize("trouble", LOST)
@pytest.mark.parametrize("latest", [(7, "start"), (8, "start"), (7, "stop")])
def test_a_lost_answer_without_a_new_stop_is_uncertain_and_never_sent_again(
    coder, deployment, workspace, seen, trouble, latest
):
    number, transition = latest
    deployment.on("POST", BUILDS, trouble)
    deployment.on("GET", "/workspaces/ws-1", workspace(number, transition, "failed"))
    assert coder.stop(seen).outcome is Outcome.UNCERTAIN
    assert len(deployment.sent("POST")) == 1


def test_a_lost_answer_that_can_not_be_looked_for_is_uncertain(coder, deployment, seen):
    deployment.on("POST", BUILDS, (504, {}))
    receipt = coder.stop(seen)
    assert receipt.outcome is Outcome.UNCERTAIN
    assert receipt.cure


@pytest.mark.parametrize(
    "trouble", [(504, {"message": "Too late"}), (504, {"message": "Too late."}), (504, {})]
)
def test_what_a_lost_answer_says_is_told_in_sentences(coder, deployment, workspace, seen, trouble):
    deployment.on("POST", BUILDS, trouble)
    deployment.on("GET", "/workspaces/ws-1", workspace(7, "start", "succeeded"))
    said = ": Too late" if trouble[1] else ""
    told = f"The deployment answers 504{said}. No new stop build is there."
    assert coder.stop(seen).why == told


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Outcome.REFUSED),
        (403, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (406, Outcome.CONFLICT),
        (412, Outcome.CONFLICT),
        (429, Outcome.CONFLICT),
    ],
)
def test_each_refusal_has_its_meaning_and_its_cure(coder, deployment, seen, status, outcome):
    deployment.on("POST", BUILDS, (status, {"message": "says the deployment"}))
    receipt = coder.stop(seen)
    assert receipt.outcome is outcome
    assert "says the deployment" in receipt.why
    assert receipt.cure
    assert len(deployment.asked) == 1


@pytest.mark.parametrize(
    ("latest", "outcome"),
    [
        ((8, "stop", "running"), Outcome.UNCHANGED),
        ((8, "start", "running"), Outcome.CONFLICT),
        ((8, "delete", "pending"), Outcome.CONFLICT),
        ((7, "start", "succeeded"), Outcome.CONFLICT),
    ],
)
def test_on_a_conflict_one_look_decides_anew(coder, deployment, workspace, seen, latest, outcome):
    deployment.on("POST", BUILDS, (409, {"message": "a build is active"}))
    deployment.on("GET", "/workspaces/ws-1", workspace(*latest))
    assert coder.stop(seen).outcome is outcome
    assert len(deployment.sent("POST")) == 1


def test_a_refused_token_ends_everything(coder, deployment, seen):
    deployment.on("POST", BUILDS, (401, {}))
    with pytest.raises(FailedError) as caught:
        coder.stop(seen)
    assert caught.value.code == "token_refused"


def test_a_task_is_paused_not_stopped(coder, deployment, seen):
    path = "/tasks/user-1/task-1/pause"
    deployment.on("POST", path, (202, {"workspace_build": {"id": "build-8"}}))
    receipt = coder.pause(replace(seen, task_id="task-1"))
    assert (receipt.outcome, receipt.build_id) == (Outcome.ACCEPTED, "build-8")
    assert coder.pause(seen).outcome is Outcome.REFUSED
    assert [path for path, _ in deployment.sent("POST")] == [path]


SETTINGS = {
    "ttl": (
        lambda coder: coder.set_ttl("ws-1", timedelta(hours=8)),
        {"ttl_ms": 28_800_000},
        {"ttl_ms": 28_800_000},
    ),
    "extend": (
        lambda coder: coder.set_deadline("ws-1", datetime(2026, 3, 3, 20, tzinfo=UTC)),
        {"deadline": "2026-03-03T20:00:00Z"},
        None,
    ),
    "dormant": (
        lambda coder: coder.set_dormant("ws-1", dormant=True),
        {"dormant": True},
        {"dormant_at": "2026-03-03T09:00:00Z"},
    ),
    "autostart": (
        lambda coder: coder.set_autostart("ws-1", ""),
        {"schedule": None},
        {"autostart_schedule": ""},
    ),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_a_setting_is_sent_once_and_each_answer_has_its_meaning(coder, deployment, what):
    do, body, _ = SETTINGS[what]
    path = f"/workspaces/ws-1/{what}"
    deployment.on("PUT", path, httpx2.Response(204), httpx2.Response(304), (409, {}), (400, {}))
    wanted = [Outcome.ACCEPTED, Outcome.UNCHANGED, Outcome.CONFLICT, Outcome.REFUSED]
    assert [do(coder).outcome for _ in wanted] == wanted
    assert deployment.sent("PUT") == [(path, body)] * 4


@pytest.mark.parametrize("what", SETTINGS)
def test_a_setting_whose_answer_is_lost_is_looked_for(coder, deployment, workspace, what):
    do, _, after = SETTINGS[what]
    made = workspace(**(after or {}))
    if after is None:
        made["latest_build"]["deadline"] = "2026-03-03T20:00:00.4Z"
    deployment.on("PUT", f"/workspaces/ws-1/{what}", (504, {}), httpx2.ReadTimeout(""))
    deployment.on("GET", "/workspaces/ws-1", made)
    assert [do(coder).outcome, do(coder).outcome] == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    other = workspace(ttl_ms=60_000, autostart_schedule="CRON_TZ=UTC 0 9 * * *")
    deployment.on("GET", "/workspaces/ws-1", other)
    assert do(coder).outcome is Outcome.UNCERTAIN

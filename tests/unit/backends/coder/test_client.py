"""What is sent again, what never is, and what each answer means."""

from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest

from carrel.backends.coder.client import LostAnswerError
from carrel.backends.coder.throttle import Throttle
from carrel.backends.coder.travelling import Travel
from carrel.errors import BadInputError, FailedError

WORKSPACE = "/workspaces/ws-1"


@pytest.mark.parametrize(
    "trouble",
    [
        (429, {}),
        (500, {}),
        (502, {}),
        (503, {}),
        (504, {}),
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("cut"),
    ],
)
def test_reading_is_repeated_while_that_may_help(coder, deployment, workspace, trouble):
    deployment.on("GET", WORKSPACE, trouble, trouble, workspace(transition="stop"))
    assert coder.workspace("ws-1").name == "dev"
    assert len(deployment.asked) == 3


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, {"message": "bad"}), "fleet_answer_unknown"),
        ((401, {}), "token_refused"),
        ((403, {}), "fleet_forbidden"),
        (httpx2.Response(302, headers={"location": "/login"}), "fleet_answer_unknown"),
        (httpx2.Response(200, content=b"<html>login</html>"), "fleet_answer_unknown"),
    ],
)
def test_what_no_repetition_helps_is_told_at_once(coder, deployment, answer, code):
    deployment.on("GET", "/workspacebuilds/b", answer)
    with pytest.raises(FailedError) as caught:
        coder.build("b")
    assert caught.value.code == code
    assert caught.value.cure
    assert len(deployment.asked) == 1


def test_trouble_that_stays_is_unreachable(coder, deployment):
    deployment.on("GET", "/workspacebuilds/b", (503, {"message": "starting up"}))
    with pytest.raises(FailedError, match="starting up") as caught:
        coder.build("b")
    assert caught.value.code == "fleet_unreachable"
    assert len(deployment.asked) == 5


@pytest.mark.parametrize(
    ("asked", "waited"), [("17", 17.0), ("86400", 60.0), ("soon", 1.0), ("", 1.0)]
)
def test_nothing_goes_to_a_path_before_the_time_that_the_deployment_asked_for(
    coder, deployment, workspace, clock, asked, waited
):
    wait = httpx2.Response(429, headers={"Retry-After": asked}, json={})
    deployment.on("GET", WORKSPACE, wait, workspace(transition="stop"))
    coder.workspace("ws-1")
    assert clock.waited == [waited]


@pytest.mark.parametrize(("seconds", "waited"), [(17, 17.0), (86400, 60.0), (-5, None)])
def test_a_deployment_may_ask_to_wait_until_a_date(
    coder, deployment, workspace, clock, seconds, waited
):
    sent = clock.now().replace(microsecond=0) - timedelta(seconds=90)  # its clock is not ours
    told = {"Date": sent, "Retry-After": sent + timedelta(seconds=seconds)}
    headers = {name: format_datetime(at, usegmt=True) for name, at in told.items()}
    wait = httpx2.Response(429, headers=headers, json={})
    deployment.on("GET", WORKSPACE, wait, workspace(transition="stop"))
    coder.workspace("ws-1")
    assert clock.waited == ([waited] if waited else [])


def test_a_redirect_never_takes_the_token_along(coder, deployment):
    away = httpx2.Response(302, headers={"location": "https://elsewhere.example.com/"})
    deployment.on("GET", "/workspacebuilds/b", away)
    with pytest.raises(FailedError, match=r"elsewhere\.example\.com"):
        coder.build("b")
    assert [request.url.host for request in deployment.asked] == ["coder.example.com"]


@pytest.mark.parametrize("trouble", [httpx2.ReadTimeout(""), httpx2.RemoteProtocolError("")])
def test_a_change_whose_answer_is_lost_is_sent_once(coder, deployment, trouble):
    deployment.on("POST", "/x", trouble)
    with pytest.raises(LostAnswerError):
        coder._client.send("POST", "/x", {})  # noqa: SLF001
    assert len(deployment.asked) == 1


def test_a_change_that_never_left_says_so(coder, deployment):
    deployment.on("POST", "/x", httpx2.ConnectError("refused"))
    with pytest.raises(FailedError, match="Nothing was sent") as caught:
        coder._client.send("POST", "/x", {})  # noqa: SLF001
    assert caught.value.code == "fleet_unreachable"
    assert len(deployment.asked) == 1


def test_each_path_has_a_bucket_of_its_own(clock):
    throttle = Throttle(clock, 3)
    for _ in range(3):
        throttle.take("/a")
        throttle.take("/b")
    assert clock.waited == []
    throttle.take("/a")
    assert sum(clock.waited) == pytest.approx(60, abs=1)


def test_over_a_long_time_no_minute_has_too_many_requests(clock):
    throttle, sent = Throttle(clock, 10), []
    for _ in range(45):
        throttle.take("/a")
        sent.append(clock.now())
    for first in sent:
        assert sum(first <= at < first + timedelta(minutes=1) for at in sent) <= 10


def test_without_a_limit_nothing_waits(clock):
    throttle = Throttle(clock, 0)
    for _ in range(2000):
        throttle.take("/a")
    assert clock.waited == []


def test_a_file_without_certificates_is_named(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing\n")
    for name in ("ca.pem", "nowhere.pem"):
        with pytest.raises(BadInputError, match=name) as caught:
            Travel(ca_file=str(tmp_path / name)).trust()
        assert caught.value.code == "bad_ca_file"

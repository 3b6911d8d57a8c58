"""Seeing a whole fleet over HTTP: against bare httpx2 and JSON decoding of the same pages."""

import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
from harness.deployment import Deployment
from harness.figures import Row, within

from carrel.backends.coder.coder import Coder
from carrel.backends.coder.timing import DeploymentClock
from carrel.backends.coder.tokens import Token
from carrel.backends.coder.travelling import Travel
from carrel.system.clock import SystemClock

_GOAL = 1.5
_AT_ONCE = 6
"""As many threads as an observation has: bare downloading gets the same."""

Asked = tuple[str, str, bytes]


class _Noting(httpx2.HTTPTransport):
    """Notes what is asked, so that the same can be asked again."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Note a request, and send it."""
        self.asked.append((request.method, str(request.url), request.read()))
        return super().handle_request(request)


def rows(deployment: Deployment) -> Iterator[Row]:
    """See the fleet anew, and download the same pages, in turns."""
    rounds = 2 if deployment.quick else 3
    asked = _asked(deployment)
    small = deployment.smaller()
    with small:
        few = len(_asked(small))
    _bare(deployment, asked)  # the deployment itself is slower when it is asked first
    ours: list[float] = []
    base: list[float] = []
    for _ in range(rounds):
        base.append(_bare(deployment, asked))
        ours.append(_seen(deployment))
    yield within(
        f"observe {deployment.workspaces:,} workspaces",
        base=base,
        ours=ours,
        goal=_GOAL,
        notes=(
            f"Under it: bare httpx2 and JSON of the same {len(asked)} answers, {_AT_ONCE} at once.",
            f"A tenth of the fleet takes {few} requests.",
        ),
    )
    yield _memory(deployment)


def _memory(deployment: Deployment) -> Row:
    """Let a process govern twice; the second pass finds everything as it was."""
    told = deployment.governed()
    first, second, peak = told["first_s"], told["second_s"], told["peak_mb"]
    missed = []
    if peak > 300:
        missed.append(f"{peak - 300:.0f} MB over")
    if second > first / 2:
        missed.append(f"the second pass takes {second / first:.2f} of the first")
    return Row(
        operation="govern, a pass without changes",
        goal="≤ 300 MB, second ≤ 0.5×",
        measured=f"{peak:.0f} MB, {second / first:.2f}×",
        times=f"{first:.2f} s, then {second:.2f} s",
        reached=not missed,
        gap=", ".join(missed),
        notes=("Of the whole process, recording what it saw included.",),
        samples={key: [value] for key, value in told.items()},
    )


def _coder(deployment: Deployment, transport: httpx2.BaseTransport | None = None) -> Coder:
    token = Token(deployment.token, "the bench")
    clock = DeploymentClock(SystemClock(), deployment.url)  # its time stands still
    return Coder(deployment.url, token, clock, Travel(per_minute=0, transport=transport))


def _asked(deployment: Deployment) -> list[Asked]:
    transport = _Noting()
    coder = _coder(deployment, transport)
    coder.observe()
    coder.close()
    return transport.asked


def _seen(deployment: Deployment) -> float:
    coder = _coder(deployment)
    began = time.perf_counter()
    coder.observe()
    took = (time.perf_counter() - began) * 1000
    coder.close()
    return took


def _bare(deployment: Deployment, asked: list[Asked]) -> float:
    head = {"Coder-Session-Token": deployment.token}
    with (
        httpx2.Client(headers=head, timeout=60) as client,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):

        def fetch(one: Asked) -> object:
            method, url, body = one
            answer = client.request(method, url, content=body or None)
            return json.loads(answer.content) if answer.content else None

        began = time.perf_counter()
        for _ in pool.map(fetch, asked):
            pass
        return (time.perf_counter() - began) * 1000


def explaining(deployment: Deployment) -> Iterator[Row]:
    """Explain one workspace, from the start of the process to its end."""
    name = deployment.some_workspace()
    command = ["policy", "explain", name, "--json"]
    deployment.run(command)  # the program's own files are read for the first time
    runs = [deployment.run(command) for _ in range(3 if deployment.quick else 7)]
    took = [one for one, _ in runs]
    busy = statistics.median(one for _, one in runs)
    middle = statistics.median(took)
    yield Row(
        operation="explain a workspace, whole process",
        goal="≤ 300 ms",
        measured=f"{middle:.0f} ms ({min(took):.0f}–{max(took):.0f})",
        times=f"{busy:.0f} ms of a core",
        reached=middle <= 300,
        gap="" if middle <= 300 else f"{middle - 300:.0f} ms over",
        samples={"ours_ms": took},
    )

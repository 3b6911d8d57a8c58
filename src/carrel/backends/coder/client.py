"""The HTTP client: one token, one address. Reading is repeated, anything else is sent once."""

import json
import ssl
from collections.abc import Callable, Generator, Mapping
from http import HTTPStatus
from importlib.util import find_spec
from types import MappingProxyType
from typing import cast

import httpx2

from carrel.backends.coder.answers import Answer, answer_unknown, failure, unreachable
from carrel.backends.coder.reading import Record, record, records
from carrel.backends.coder.throttle import Throttle
from carrel.backends.coder.timing import Watch
from carrel.backends.coder.tokens import Token
from carrel.backends.coder.travelling import Travel

if find_spec("stamina") is None:  # it is loaded late, but its absence is told at once
    raise ModuleNotFoundError("No module named 'stamina'")

Query = Mapping[str, str | int]
_NO_QUERY: Query = MappingProxyType({})

_TRIES = 5
_PATIENCE = 180.0
"""Seconds after which a reading request is given up, the waits that were asked for included."""
_CONNECT = 10.0
_LONGEST_HOLD = 60.0
_AGAIN = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class _AgainError(Exception):
    """A reading request that may succeed when it is sent again."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class LostAnswerError(Exception):
    """A request that changes something may have arrived, and its answer was lost."""


class _Login(httpx2.Auth):
    """Puts the token into each request as it leaves, so that no client or error holds it."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Coder-Session-Token"] = self._token.reveal()
        yield request
        del request.headers["Coder-Session-Token"]


def _trust_nobody() -> ssl.SSLContext:
    """Return what an address without TLS needs: certificates take long to load."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Client:
    """Talks to one deployment. Safe for threads.

    Args:
        address: As `checked_address` returns it.
        token: Whose rights.
        throttle: Keeps below the rate limit.
        travel: How requests travel.
        watch: Told what each answer says of the time.

    Raises:
        BadInputError: `bad_ca_file`.
    """

    def __init__(
        self, address: str, token: Token, throttle: Throttle, travel: Travel, watch: Watch
    ) -> None:
        self.address = address
        self._throttle = throttle
        self._watch = watch
        self._http = httpx2.Client(
            base_url=f"{address}/api/v2",
            auth=_Login(token),
            timeout=httpx2.Timeout(travel.timeout, connect=min(travel.timeout, _CONNECT)),
            headers={"User-Agent": "carrel", "Accept": "application/json"},
            verify=travel.trust() if address.startswith("https:") else _trust_nobody(),
            transport=travel.transport,
        )

    def __repr__(self) -> str:
        return f"Client({self.address})"

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def read(self, path: str, query: Query = _NO_QUERY) -> bytes:
        """Return the body of a GET; repeated while that may help.

        Raises:
            FailedError: `fleet_unreachable`, `token_refused`, `fleet_forbidden`,
                `fleet_not_offered` or `fleet_answer_unknown`.
        """
        return self._repeated("GET", path, query, None)

    def ask(self, path: str, body: object) -> bytes:
        """Return the body of a POST that changes nothing; otherwise as `read`."""
        return self._repeated("POST", path, _NO_QUERY, body)

    def document(self, path: str, query: Query = _NO_QUERY) -> object:
        """Return what a GET answers, decoded; errors as `read`."""
        return self.decoded(path, self.read(path, query))

    def items(self, path: str, value: object, key: str = "") -> list[Record]:
        """Return the items of a list that was answered, or of the list in an object's field.

        An answer of another shape holds nothing that could be relied on, least of all "none".

        Raises:
            FailedError: `fleet_answer_unknown`.
        """
        if key:
            value = record(value).get(key, value)
        if value is None:
            return []
        if isinstance(value, list):
            return records(cast("list[object]", value))
        raise answer_unknown(self.address, path, f"It has no list{f' {key!r}' if key else ''}.")

    def decoded(self, path: str, content: bytes) -> object:
        """Return the JSON value of an answer.

        Raises:
            FailedError: `fleet_answer_unknown`.
        """
        try:
            value: object = json.loads(content)
        except (ValueError, RecursionError):
            raise answer_unknown(self.address, path, "It is no JSON.") from None
        return value

    def send(self, method: str, path: str, body: object) -> Answer:
        """Send a request that changes something: once, whatever happens.

        Raises:
            LostAnswerError: It may have arrived; nothing is known.
            FailedError: `fleet_unreachable`: it surely did not arrive; or `token_refused`.
        """
        self._throttle.take(path)
        try:
            answer = self._once(method, path, _NO_QUERY, body)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise unreachable(self.address, f"{_words(error)} Nothing was sent.") from error
        except httpx2.RequestError as error:
            raise LostAnswerError(_words(error)) from error
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._throttle.hold(path, _asked_wait(answer))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise failure(self.address, path, answer)
        return answer

    def _repeated(self, method: str, path: str, query: Query, body: object) -> bytes:
        try:
            try:
                return self._attempt(method, path, query, body)
            except (_AgainError, httpx2.TransportError) as error:
                first = error
            return self._again(first, lambda: self._attempt(method, path, query, body))
        except _AgainError as error:
            raise failure(self.address, path, error.answer) from None
        except httpx2.RequestError as error:
            raise unreachable(self.address, _words(error)) from error

    def _again(self, first: Exception, repeat: Callable[[], bytes]) -> bytes:
        """Repeat what failed; the library that does it is loaded when it is needed."""
        import stamina  # noqa: PLC0415 - most commands never need it
        import stamina.instrumentation  # noqa: PLC0415 - as above

        # What the library would print of its repetitions has no place in our output.
        stamina.instrumentation.set_on_retry_hooks([])
        failed = [first]
        for attempt in stamina.retry_context(
            on=(_AgainError, httpx2.TransportError),
            attempts=_TRIES,
            timeout=_PATIENCE,
            wait_initial=0.2,
        ):
            with attempt:
                if failed:
                    raise failed.pop()
                return repeat()
        raise unreachable(self.address, "No attempt was made.")  # pragma: no cover

    def _attempt(self, method: str, path: str, query: Query, body: object) -> bytes:
        self._throttle.take(path)
        answer = self._once(method, path, query, body)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._throttle.hold(path, _asked_wait(answer))
        if answer.status in _AGAIN:
            raise _AgainError(answer)
        if not answer.good:
            raise failure(self.address, path, answer)
        return answer.content

    def _once(self, method: str, path: str, query: Query, body: object) -> Answer:
        response = self._http.request(method, path, params=dict(query) or None, json=body)
        headers = {name.lower(): value for name, value in response.headers.items()}
        self._watch.hear(headers)
        return Answer(response.status_code, response.content, headers)


def _asked_wait(answer: Answer) -> float:
    """Return for how long the deployment asked to wait: seconds, or until a date (RFC 9110)."""
    written = answer.headers.get("retry-after", "")
    if written.isdigit():
        return min(float(written), _LONGEST_HOLD)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - seconds are the rule

    try:  # both by the deployment's clock: ours may differ
        until, sent = map(parsedate_to_datetime, (written, answer.headers.get("date", "")))
        return min(max((until - sent).total_seconds(), 0.0), _LONGEST_HOLD)
    except (ValueError, TypeError):  # no date, or one of the two without a zone
        return 1.0


def _words(error: Exception) -> str:
    kind = type(error).__name__
    said = " ".join(str(error).split())[:200].rstrip(".")
    return f"{kind}: {said}." if said else f"{kind}."

"""What an answer means when it is not the one that was hoped for."""

import json
from collections.abc import Mapping
from dataclasses import field
from http import HTTPStatus

from carrel.backends.coder.reading import record, records, text
from carrel.domain.records import dataclass
from carrel.errors import CarrelError, FailedError

_MOST = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the deployment.

    Attributes:
        status: The HTTP status.
        content: The body.
        headers: Names in lower case.
    """

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def good(self) -> bool:
        """Whether it is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def lost(self) -> bool:
        """Whether it does not tell what became of the request: a server or proxy gave up."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def message(self) -> str:
        """What the deployment says, in one line and not too long."""
        try:
            said = record(json.loads(self.content))
        except ValueError:
            return ""
        parts = [text(said.get("message")), text(said.get("detail"))]
        parts += [
            f"{text(one.get('field'))}: {text(one.get('detail'))}"
            for one in records(said.get("validations"))
        ]
        return " ".join(" ".join(part for part in parts if part).split())[:_MOST]


def unreachable(address: str, why: str) -> FailedError:
    """Say that the deployment can't be reached, or gives no answer."""
    return FailedError(
        "fleet_unreachable",
        f"The Coder deployment {address} does not answer.",
        why=why,
        cure="Check the address, the network and the deployment's health, then try again.",
    )


def answer_unknown(address: str, path: str, why: str) -> FailedError:
    """Say that an answer is not one that Coder gives."""
    return FailedError(
        "fleet_answer_unknown",
        f"{address} gives an answer to {path} that can't be understood.",
        why=why,
        cure="Check that the address is a Coder deployment's own, without a login page before it.",
    )


def failure(address: str, path: str, answer: Answer) -> CarrelError:
    """Return the error for an answer to a reading request that is no 2xx."""
    status, said = answer.status, answer.message
    if status == HTTPStatus.UNAUTHORIZED:
        return FailedError(
            "token_refused",
            f"The Coder deployment {address} refuses the token.",
            why=said or "It is wrong, expired or revoked.",
            cure="Make a new one with 'coder tokens create', and set CODER_SESSION_TOKEN.",
        )
    if status == HTTPStatus.FORBIDDEN:
        return FailedError(
            "fleet_forbidden",
            f"The token may not read {path}, or the deployment's licence lacks it.",
            why=said,
            cure="Use a token of a user whose role may, such as an auditor's or an owner's.",
        )
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return FailedError(
            "fleet_not_offered",
            f"The Coder deployment {address} has no {path}.",
            why=said or "Its version or licence does not offer it, or it is gone.",
            cure="`carrel fleet check` tells what this deployment offers.",
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS or answer.lost:
        why = f"It answers {path} with {status}{f': {said}' if said else '.'}"
        return unreachable(address, why)
    where = answer.headers.get("location", "")
    why = f"The answer is {status}{f', a redirect to {where}' if where else ''}. {said}".strip()
    return answer_unknown(address, path, why)

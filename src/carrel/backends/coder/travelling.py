"""How requests travel: certificates are always checked, and how long an answer may take."""

import ssl

import httpx2

from carrel.domain.records import dataclass
from carrel.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Travel:
    """How requests travel to a deployment.

    Attributes:
        ca_file: Certificates that are trusted besides the machine's; empty: none.
        timeout: Seconds that an answer may take.
        per_minute: Requests a minute that go to one path; 0: no limit of ours.
        transport: Another way than the network, for tests.
    """

    ca_file: str = ""
    timeout: float = 30.0
    per_minute: int = 480
    transport: httpx2.BaseTransport | None = None

    def trust(self) -> ssl.SSLContext:
        """Return what servers are trusted.

        Raises:
            BadInputError: `bad_ca_file`.
        """
        if self.transport is not None:  # nobody looks at certificates, which take 20 ms to read
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context = httpx2.create_ssl_context()
        if self.ca_file:
            try:
                context.load_verify_locations(cafile=self.ca_file)
            except (OSError, ValueError) as error:
                raise BadInputError(
                    "bad_ca_file",
                    f"The certificates in {self.ca_file} can't be used.",
                    why=f"{error}.",
                    cure="Name a file of certificates in PEM form as `ca_file` under [coder].",
                ) from error
        return context

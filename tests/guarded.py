"""A web server for one test that gives a repository's files to whoever knows the password."""

import base64
import http.server
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path


@dataclass
class Guard:
    """What the server was asked, and what ran meanwhile.

    Attributes:
        address: Its host and port.
        secret: Ada's password.
        served: Paths that were given.
        running: Command lines of all processes, whenever somebody asked.
    """

    address: str
    secret: str
    served: list[str] = field(default_factory=list[str])
    running: list[bytes] = field(default_factory=list[bytes])


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, guard: Guard, *arguments, **more) -> None:
        self.guard = guard
        super().__init__(*arguments, **more)

    def do_GET(self) -> None:
        for process in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError):
                self.guard.running.append(Path(f"/proc/{process}/cmdline").read_bytes())
        wanted = base64.b64encode(f"ada:{self.guard.secret}".encode()).decode()
        if self.headers.get("Authorization", "") != f"Basic {wanted}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.guard.served.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def guarding(folder: Path, secret: str) -> Generator[Guard]:
    """Serve the files of a folder."""
    guard = Guard("", secret)
    handler = partial(_Handler, guard, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    guard.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield guard
    server.shutdown()
    thread.join()
    server.server_close()

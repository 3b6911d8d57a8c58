"""The HTTP side: connections that are kept, one thread each, on the loopback."""

import contextlib
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import cast

from carrel.simulators.coder.serving.dispatch import Asked, Reply
from carrel.simulators.coder.serving.faults import Kind

LOOPBACK = "127.0.0.1"
NO_BODY = frozenset({204, 304})
PATIENCE = 120.0
"""A hanging answer lets go of its thread after so many seconds."""

Answering = Callable[[Asked], Reply]


class Server(ThreadingHTTPServer):
    """Serves until it is closed; closing ends all connections and waits for their threads.

    Args:
        answering: Answers a request.
        port: Where; 0: anywhere.
    """

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, answering: Answering, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.answering = answering
        self.closing = Event()
        self._open: set[socket.socket] = set()
        self._guard = Lock()
        self._thread = Thread(target=self.serve_forever, args=(0.05,), name="simulated Coder")

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self.closing.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # who listens wakes up, and sees the end at once
        self.shutdown()
        self._thread.join()
        self.cut()
        self.server_close()

    def cut(self) -> None:
        """End all connections that are open, as a restart does."""
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def opened(self, connection: socket.socket) -> None:
        """Note a connection."""
        with self._guard:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._guard:
            self._open.discard(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing when a client has gone: that is what clients of a simulator do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def _site(self) -> Server:
        return cast("Server", self.server)

    def setup(self) -> None:
        super().setup()
        self._site.opened(self.connection)

    def finish(self) -> None:
        self._site.closed(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self._site.answering(Asked(self.command, self.path, headers, body))
        if reply.fault is None:
            self._send(reply)
            return
        self._spoil(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - named by http.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
        """Print nothing."""

    def _send(self, reply: Reply, *, part: float = 1.0) -> None:
        body = b"" if reply.status in NO_BODY else reply.body
        headers = {"Content-Type": "application/json; charset=utf-8", **reply.headers}
        if reply.status not in NO_BODY:
            headers["Content-Length"] = str(len(body))
        lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode()
        self.wfile.write(head + body[: int(len(body) * part)])

    def _spoil(self, reply: Reply) -> None:
        fault = reply.fault
        if fault is None:
            return
        if fault.kind is Kind.SLOW:
            self._site.closing.wait(fault.seconds)
            self._send(reply)
            return
        self.close_connection = True
        if fault.kind is Kind.TRUNCATED:
            self._send(reply, part=0.5)
        elif fault.kind is Kind.RESET:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        elif fault.kind is Kind.HANG:
            self._hang()

    def _hang(self) -> None:
        """Wait until the client goes, or the server is closed."""
        self.connection.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            self.connection.recv(1)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"

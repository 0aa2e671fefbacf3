"""A TCP proxy that does to connections what networks do: cuts them in the middle of a request, or before the answer."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# (what the client has sent so far) -> what becomes of the connection, and None for nothing
Fault = Callable[[bytes], str | None]
CUT_REQUEST, CUT_ANSWER = "request", "answer"


class Proxy:
    """Forwards to ``target``. ``fault`` is asked of every piece that the client sends, and tells which to cut.

    ``requests`` are the pieces that were sent.
    """

    def __init__(self, target: int, tls: ssl.SSLContext | None = None) -> None:
        self.fault: Fault = lambda sent: None
        self.cuts = 0
        self.requests: list[bytes] = []
        self._target = target
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def once(self, part: bytes, kind: str, *, after: int = 0) -> None:
        """Cut the next request that has ``part`` in it, once, when at least ``after`` bytes of it were sent."""

        def fault(sent: bytes) -> str | None:
            if part not in sent or len(sent) < after:
                return None
            self.fault = lambda _: None
            return kind

        self.fault = fault

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self._tls is not None:
            try:
                client = self._tls.wrap_socket(client, server_side=True)
            except (ssl.SSLError, OSError):  # the client does not trust us
                client.close()
                return
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            silent = threading.Event()
            threading.Thread(target=self._answers, args=(server, client, silent), daemon=True).start()
            sent = b""
            with suppress(OSError):
                while piece := client.recv(1024):
                    self.requests.append(piece)
                    sent = sent[-1 << 16 :] + piece
                    kind = self.fault(sent)
                    if kind == CUT_REQUEST:
                        self.cuts += 1
                        return
                    if kind == CUT_ANSWER:
                        self.cuts += 1
                        silent.set()
                    server.sendall(piece)

    def _answers(self, server: socket.socket, client: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while piece := server.recv(1 << 16):
                if silent.is_set():  # the server has done it, and nobody is told
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(piece)
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(target: int, tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """``tls``: the proxy speaks it with the client, as a server with a certificate does."""
    proxy = Proxy(target, tls)
    yield proxy
    proxy.close()

"""A server of files that stops sending where a test says, and knows what it was asked for."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class FileServer:
    """Serves ``files`` by their names.

    ``ends``: after how many bytes of a file the connection ends. ``holds``: after how many it stays as it is, until
    ``released`` is set. ``ranges``: whether a file may be asked for from a position on. ``asked``: names and positions.
    """

    files: dict[str, bytes]
    ranges: bool = True
    ends: dict[str, int] = field(default_factory=dict)
    holds: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    holding: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/files/"

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        name = request.path.rpartition("/")[2]
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        start = int(asked[1]) if asked and self.ranges else 0
        self.asked.append((name, start))
        if name not in self.files:
            request.send_error(404)
            return
        content = self.files[name]
        if start >= len(content) > 0:
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        stop = min(self.ends.get(name, len(content)), self.holds.get(name, len(content)))
        request.wfile.write(content[start:stop])
        if name in self.holds:
            request.wfile.flush()
            self.holding.set()
            self.released.wait()
        request.close_connection = True


@contextmanager
def file_server(files: dict[str, bytes], *, ranges: bool = True) -> Iterator[FileServer]:
    """While this lasts."""
    server = FileServer(files, ranges)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            listener.shutdown()
            thread.join()

"""A proxy as companies have it, for HTTP on loopback: it passes on what is asked for, by CONNECT or by address."""

from __future__ import annotations

import http.server
import select
import socket
import threading
from urllib.parse import urlsplit


class Proxy:
    """Attributes:

    port: Where it listens.
    asked: Every host that was asked for, in order.
    """

    def __init__(self):
        self.asked = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_CONNECT(self):
                host, _, port = self.path.rpartition(":")
                proxy.asked.append(host)
                with socket.create_connection((host.strip("[]"), int(port)), timeout=60) as server:
                    self.send_response(200)
                    self.end_headers()
                    pass_on(self.connection, server)
                self.close_connection = True

            def do_GET(self):
                asked = urlsplit(self.path)
                proxy.asked.append(asked.hostname)
                with socket.create_connection((asked.hostname, asked.port or 80), timeout=60) as server:
                    path = asked.path + (f"?{asked.query}" if asked.query else "")
                    headers = f"Host: {asked.netloc}\r\nConnection: close\r\n\r\n"
                    server.sendall(f"{self.command} {path or '/'} HTTP/1.1\r\n{headers}".encode())
                    pass_on(self.connection, server)
                self.close_connection = True

            def do_HEAD(self):
                self.do_GET()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def pass_on(one, other):
    """Pass on bytes both ways until one side has no more."""
    while True:
        for ready in select.select([one, other], [], [])[0]:
            try:
                data = ready.recv(65536)
                (other if ready is one else one).sendall(data)
            except OSError:
                return
            if not data:
                return

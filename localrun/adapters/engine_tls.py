"""A connection to a Docker engine that is encrypted with the certificates of its endpoint."""

from __future__ import annotations

import ssl

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from localrun.adapters.engine_endpoints import Endpoint


class TlsConnection:
    """An encrypted connection that says "nothing there yet" as a plain one does."""

    def __init__(self, wrapped: ssl.SSLSocket) -> None:
        self._wrapped = wrapped
        self.sendall = wrapped.sendall
        self.settimeout = wrapped.settimeout
        self.fileno = wrapped.fileno
        self.close = wrapped.close

    def recv(self, size: int) -> bytes:
        """Give some bytes; none at the end.

        Raises:
            BlockingIOError: it may not wait, and there are none yet.
        """
        try:
            return self._wrapped.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise BlockingIOError from error

    def is_idle(self) -> bool:
        """Tell whether nothing has come in but what TLS itself sends, such as tickets for later sessions."""
        self._wrapped.settimeout(0)
        try:
            self._wrapped.recv(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        return False

    def shutdown(self, how: int) -> None:
        """End one direction of the connection below; the other side sees no orderly end of TLS."""
        self._wrapped.shutdown(how)


def encrypt(plain: socket.socket, endpoint: Endpoint, host: str) -> TlsConnection:
    """Encrypt a connection.

    Raises:
        OSError: the certificates cannot be read, the other side does not speak TLS, or is not who it should be.
    """
    context = ssl.create_default_context(cafile=endpoint.ca or None)
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if endpoint.cert:
        context.load_cert_chain(endpoint.cert, endpoint.key or None)
    return TlsConnection(context.wrap_socket(plain, server_hostname=host))

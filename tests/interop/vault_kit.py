"""A stand-in for Azure: a key vault by its REST answers over TLS, and the identity endpoint of a host of Azure.

Sources: Azure's REST reference of Key Vault secrets ("Get Secret", api-version 7.x), its page on authentication
(the 401 with WWW-Authenticate), and the REST endpoint of managed identities in App Service.
"""

from __future__ import annotations

import datetime as dt
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "the-token-of-the-stand-in"


def make_certificate(folder, name):
    """Make a key and a certificate that is its own authority; give the path of both in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "vault.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return str(path)


class Azure:
    """A vault at `https://<name>:<port>` and an identity endpoint at `http://127.0.0.1:<port>`, both on loopback."""

    def __init__(self, folder, name, secrets):
        self.name = name
        self.secrets = secrets
        self.certificate = make_certificate(folder, name)
        self.asked = []
        self._vault = self._serve(self._answer_vault, self.certificate)
        self._identity = self._serve(self._answer_identity, None)
        self.vault_url = f"https://{name}:{self._vault.server_port}"

    @property
    def environ(self):
        """Give what a host of Azure has in its environment."""
        return {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self._identity.server_port}/token",
            "IDENTITY_HEADER": "x",
            "REQUESTS_CA_BUNDLE": self.certificate,
            "NO_PROXY": "*",
        }

    def close(self):
        for server in (self._vault, self._identity):
            server.shutdown()
            server.server_close()

    def _serve(self, answer, certificate):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, headers, body = answer(self)
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def _answer_identity(self, request):
        assert request.headers["X-IDENTITY-HEADER"] == "x"
        resource = parse_qs(urlsplit(request.path).query)["resource"][0]
        expires = str(int(time.time()) + 3600)
        answer = {"access_token": TOKEN, "expires_on": expires, "resource": resource, "token_type": "Bearer"}
        return 200, {}, answer

    def _answer_vault(self, request):
        path = urlsplit(request.path).path
        self.asked.append(path)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            domain = f"{self.name.partition('.')[2]}:{self._vault.server_port}"
            challenge = f'Bearer authorization="https://login.microsoftonline.com/t", resource="https://{domain}"'
            return 401, {"WWW-Authenticate": challenge}, {"error": {"code": "Unauthorized", "message": "no token"}}
        name = path.strip("/").split("/")[1]
        if name not in self.secrets:
            return 404, {}, {"error": {"code": "SecretNotFound", "message": f"no secret {name}"}}
        attributes = {"enabled": True, "created": 1_600_000_000, "updated": 1_600_000_000}
        identity = f"{self.vault_url}/secrets/{name}/{'0' * 32}"
        return 200, {}, {"value": self.secrets[name], "id": identity, "attributes": attributes}

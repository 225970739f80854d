"""HTTP and HTTPS servers on loopback that answer as a test says, and transports to them."""

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from validator.transport.airflow_auth import NO_AUTH
from validator.transport.http import HttpTransport

JSON = {"Content-Type": "application/json"}
VERSION = (200, JSON, b'{"version": "3.0.6"}')
VERSION_2 = (200, JSON, b'{"version": "2.10.5"}')
NOT_FOUND = (404, {}, b"<html>")


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients here break off on purpose."""


@contextlib.contextmanager
def served(answers, *, tls=None):
    """A server that answers by path (without the query), or as a function of (method, path, headers, body) says.

    Its `url`, `port` and what was `asked` are attributes; a Content-Length of the answer's own ends the connection.
    """
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            ask = (self.command, self.path, dict(self.headers), body)
            asked.append(ask)
            if callable(answers):
                status, headers, content = answers(*ask)
            else:
                status, headers, content = answers.get(self.path.partition("?")[0], NOT_FOUND)
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()
            if "Content-Length" in headers:
                self.close_connection = True

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *args):
            pass

    server = QuietServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with running(server):
        server.asked = asked
        server.port = server.server_port
        server.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.port}"
        yield server


@contextlib.contextmanager
def running(server):
    """`server` in a thread, until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def talking(talk):
    """A server of raw TCP: `talk(connection)` for each one, in a thread; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection):
        with connection, contextlib.suppress(OSError):  # the client has had enough
            talk(connection)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextlib.contextmanager
def calling(url, auth=NO_AUTH, **options):
    """A transport that is closed again."""
    transport = HttpTransport(url, auth, **options)
    try:
        yield transport
    finally:
        transport.close()


class Certificate:
    """A certificate with its key, self-signed or signed by `issuer`."""

    def __init__(self, names=(), issuer=None, *, days=(-1, 1)):
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "airflow" if issuer else "ca")])
        now = dt.datetime.now(dt.timezone.utc)
        signer = issuer or self
        public = signer.key.public_key()
        self.name = subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=days[0]))
            .not_valid_after(now + dt.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        )
        if issuer is None:
            usage = dict.fromkeys(
                ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"),
                False,
            )
            usage |= {
                "digital_signature": True,
                "key_cert_sign": True,
                "encipher_only": False,
                "decipher_only": False,
            }
            builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(one) for one in names]), critical=False
            )
        self.signed = builder.sign(signer.key, hashes.SHA256())

    @property
    def pem(self):
        return self.signed.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self):
        return self.signed.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def server_context(self, folder):
        """What a server shows this certificate with; `folder` is where it may write."""
        path = folder / f"{self.signed.serial_number}.pem"
        path.write_bytes(self.key_pem + self.pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)

"""Certificates are checked against the host of the URL, not against the address."""

import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from penstock.domain import errors
from penstock.storage.download import download_input
from penstock.storage.http_source import FetchPolicy


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "origin.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "origin.example")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("origin.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def port(certificate):
    with serving(certificate) as port:
        yield port


@pytest.fixture
def policy():
    return FetchPolicy(100, total_seconds=5, allow="127.0.0.0/8", resolve=lambda *_: ["127.0.0.1"])


def test_the_host_name_is_sent_in_tls_and_http(port, policy, certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    download_input(f"https://origin.example:{port}/", tmp_path / "input", policy)
    assert (tmp_path / "input").read_text() == f"origin.example:{port}"


def test_a_certificate_of_another_host_is_rejected(port, policy, certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(errors.InputUnreachable, match="certificate"):
        download_input(f"https://another.example:{port}/", tmp_path / "input", policy)


def test_an_untrusted_certificate_is_rejected(port, policy, tmp_path):
    with pytest.raises(errors.InputUnreachable, match="certificate"):
        download_input(f"https://origin.example:{port}/", tmp_path / "input", policy)


def test_a_redirect_never_leaves_tls(port, policy, certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(errors.UrlForbidden, match="https to http"):
        download_input(f"https://origin.example:{port}/to-http", tmp_path / "input", policy)


class Echo(BaseHTTPRequestHandler):
    """Answers with the host that was asked for."""

    def do_GET(self):
        if self.path == "/to-http":
            self.send_response(302)
            self.send_header("Location", "http://origin.example/")
        else:
            self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers["Host"].encode())

    def log_message(self, *words):
        pass


@contextmanager
def serving(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # a client that hangs up is what is tested
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

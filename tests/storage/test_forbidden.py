"""No private address is ever connected to, however it is written or reached."""

import socket
import time

import pytest

from penstock.domain import errors
from penstock.domain.web_addresses import AllowedAddresses, parse_address
from penstock.storage.download import download_input
from penstock.storage.guarded_connections import resolve_host
from penstock.storage.http_source import FetchPolicy

from . import origin

FORBIDDEN = """
http://127.0.0.1/ http://127.0.0.1:8080/ http://127.1/ http://127.0.1/ http://2130706433/ http://0x7f000001/
http://0x7f.0.0.1/ http://0177.0.0.1/ http://017700000001/ http://0/ http://0.0.0.0/ http://localhost/
http://LOCALHOST/ http://localhost./ http://127.0.0.1./ http://127。0。0。1/ http://①②⑦.⓪.⓪.①/ http://127.255.255.254/
http://10.0.0.1/ http://172.16.0.1/ http://172.31.255.255/ http://192.168.1.1/
http://169.254.169.254/latest/meta-data/ http://169.254.0.1/ http://100.64.0.1/ http://100.127.255.255/
http://192.0.0.1/ http://192.0.2.1/ http://192.88.99.1/ http://198.18.0.1/ http://198.51.100.1/ http://203.0.113.1/
http://224.0.0.1/ http://239.255.255.255/ http://240.0.0.1/ http://255.255.255.255/ http://[::]/ http://[::1]/
http://[::127.0.0.1]/ http://[::ffff:127.0.0.1]/ http://[::ffff:10.0.0.1]/ http://[::ffff:8.8.8.8]/
http://[::ffff:0:127.0.0.1]/ http://[64:ff9b::7f00:1]/ http://[64:ff9b:1::1]/ http://[100::1]/ http://[2001::1]/
http://[2001:db8::1]/ http://[2002:7f00:1::]/ http://[3fff::1]/ http://[5f00::1]/ http://[fc00::1]/
http://[fd00:ec2::254]/ http://[fe80::1]/ http://[fe80::1%25lo]/ http://[fec0::1]/ http://[ff02::1]/
http://user@example.com/ http://user:password@example.com/ http://example.com@127.0.0.1/
http://example.com\\@127.0.0.1/ http://example.com:22/ http://example.com:25/ http://example.com:443@127.0.0.1/
http://example.com:0/ http://example.com:99999/ file:///etc/passwd ftp://example.com/ gopher://127.0.0.1:6379/_INFO
data:text/plain,x //127.0.0.1/ http:// http:///etc/passwd http:127.0.0.1 unix:///run/docker.sock
simplecache::http://example.com/ -i memory://x local:///etc/passwd jar:http://example.com!/ http://[1.2.3.4]/
http://a..b/ http://[v1.x]/ http://1.2.3/ http://256.256.256.256/
http://168.63.129.16/ http://100.100.100.200/ http://192.0.0.192/ http://[fd20:ce::254]/ http://[fd00:42::42]/
""".split()  # noqa: SIM905 (a hundred quotes would hide the list)
WITH_SPACES = ["http://127.0.0.1\t/", "http://exa\nmple.com/", " http://example.com/", "http://example.com/\x00", ""]


class Recorder:
    """Stands between a download and the network: names resolve by the book, connections are noted and refused."""

    def __init__(self, monkeypatch, answers=None):
        self.answers, self.asked, self.connected = answers or {}, [], []
        monkeypatch.setattr(socket.socket, "connect", self.note)
        monkeypatch.setattr(socket.socket, "connect_ex", self.note)

    def note(self, address):
        self.connected.append(address[0])
        return 111

    def resolve(self, host, port):
        self.asked.append(host)
        if host in self.answers:
            return self.answers[host].pop(0)
        return resolve_host(host, port)


@pytest.fixture
def network(monkeypatch):
    return lambda **answers: Recorder(monkeypatch, {f"{name}.example": found for name, found in answers.items()})


def policy(recorder):
    return FetchPolicy(max_bytes=2**20, total_seconds=5, resolve=recorder.resolve)


@pytest.mark.parametrize("url", [*FORBIDDEN, *WITH_SPACES, "http://example.com/" + "a" * 2048])
def test_a_forbidden_address_is_never_connected_to(url, network, tmp_path):
    recorder = network()
    with pytest.raises(errors.UrlForbidden) as told:
        download_input(url, tmp_path / "input", policy(recorder))
    assert recorder.connected == []
    assert "127." not in told.value.message


def test_the_list_of_forbidden_addresses_is_long():
    assert len(FORBIDDEN) >= 60


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://example.com/a?b=c", "http://[2606:4700::1111]:8080/"])
def test_a_public_address_is_allowed(url):
    parse_address(url, AllowedAddresses())


def test_one_private_address_forbids_the_host(network, tmp_path):
    recorder = network(mixed=[["93.184.216.34", "10.0.0.1"]])
    with pytest.raises(errors.UrlForbidden):
        download_input("http://mixed.example/", tmp_path / "input", policy(recorder))
    assert recorder.connected == []


def test_the_address_that_was_checked_is_connected_to(network, tmp_path):
    recorder = network(rebinding=[["93.184.216.34"], ["127.0.0.1"]])
    with pytest.raises(errors.OriginUnavailable):
        download_input("http://rebinding.example/", tmp_path / "input", policy(recorder))
    assert (recorder.asked, recorder.connected) == (["rebinding.example"], ["93.184.216.34"])


def test_every_address_of_a_host_is_tried(network, tmp_path):
    recorder = network(two=[["2606:4700::1111", "93.184.216.34"]])
    with pytest.raises(errors.OriginUnavailable):
        download_input("http://two.example/", tmp_path / "input", policy(recorder))
    assert recorder.connected == ["2606:4700::1111", "93.184.216.34"]


@pytest.mark.parametrize(
    "place", ["http://10.0.0.1/", "//169.254.169.254/", "file:///etc/passwd", "gopher://x/", "http://localhost:1/"]
)
def test_a_redirect_is_checked_like_the_url(place, tmp_path):
    with origin.running() as server:
        site = f"127.0.0.1:{server.server_address[1]}"
        with pytest.raises(errors.UrlForbidden):
            download_input(f"http://{site}/to/{place}", tmp_path / "input", FetchPolicy(max_bytes=100, allow=site))


def test_a_network_can_be_allowed(tmp_path):
    with origin.running() as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/small"
        download_input(url, tmp_path / "input", FetchPolicy(max_bytes=100, allow="10.0.0.0/8, 127.0.0.0/8"))
    assert (tmp_path / "input").read_bytes() == origin.SMALL


def test_a_hanging_lookup_times_out(tmp_path):
    with origin.running() as server:
        hanging = FetchPolicy(max_bytes=1, connect_seconds=0.3, resolve=lambda *_: server.ended.wait(20) or [])
        started = time.monotonic()
        with pytest.raises(errors.InputTimeout):
            download_input("http://example.com/", tmp_path / "input", hanging)
        assert time.monotonic() - started < 10  # the look-up takes twice that

"""Whatever an address looks like, and wherever its host leads, nothing but public addresses is connected to."""

import contextlib
import ipaddress
import socket
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from penstock.domain import errors
from penstock.domain.web_addresses import AllowedAddresses, is_public, parse_address
from penstock.storage.download import download_input
from penstock.storage.http_source import FetchPolicy
from penstock.storage.response_headers import redirect_target
from tests.attacks.generated import generated

# IANA's registries of special-purpose addresses, multicast, what is reserved, and what clouds use within.
RESERVED = [
    ipaddress.ip_network(network)
    for network in """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    ::/128 ::1/128 ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23
    2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
    """.split()  # noqa: SIM905 (forty quotes would hide the list)
]
PUBLIC = ["8.8.8.8", "93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::5"]
V4 = [network for network in RESERVED if network.version == 4]
TARGETS = ["/", "", "/a.mp4?b=c", "?a=@b", "#@127.0.0.1", "/@8.8.8.8/", ":80:90/", "\\@8.8.8.8/", "/%00"]


def address_in(network):
    first = int(network.network_address)
    return st.integers(first, first + network.num_addresses - 1).map(type(network.network_address))


reserved = st.sampled_from(RESERVED).flatmap(address_in).map(str)


@st.composite
def numeric_hosts(draw):
    """A reserved address, as some program would read it: hexadecimal, octal, shortened, in wide digits, in IPv6."""
    address = draw(st.sampled_from(V4).flatmap(address_in))
    number, parts = int(address), str(address).split(".")
    return draw(
        st.sampled_from(
            [
                str(address), str(number), hex(number), f"0{number:o}", ".".join(hex(int(part)) for part in parts),
                ".".join(f"0{int(part):o}" for part in parts), f"{parts[0]}.{number & 0xFFFFFF}", f"{address}.",
                f"{parts[0]}.{parts[1]}.{number & 0xFFFF}", str(address).translate(WIDE), str(address).replace(".",
                "。"),
                f"[::ffff:{address}]", f"[::{address}]", f"[64:ff9b::{address}]",
                f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::]",
                f"user@{address}", f"8.8.8.8@{address}", f"{address}%2e", f"{address}:80", f"{address}:8080",
            ]
        )
    )  # fmt: skip


WIDE = {ord("0") + digit: ord("０") + digit for digit in range(10)}
names = st.sampled_from(
    ["a.example", "b.example", "localhost", "A.EXAMPLE.", "metadata.google.internal", "xn--a.example"]
)
hosts = st.one_of(numeric_hosts(), names, st.sampled_from(RESERVED).flatmap(address_in).map(lambda ip: f"[{ip}]"))
urls = st.one_of(
    st.builds("{}://{}{}".format, st.sampled_from(["http", "https", "HTTP"]), hosts, st.sampled_from(TARGETS)),
    st.text(st.characters(exclude_categories=()), max_size=40).map("http://{}".format),
    st.text(st.characters(exclude_categories=()), max_size=40),
)
answers = st.lists(st.one_of(reserved, st.sampled_from(PUBLIC)), max_size=3)


def only_numbers(host, port):
    """What the system makes of a number; no name is asked for."""
    with contextlib.suppress(OSError, ValueError):
        return [found[4][0] for found in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]
    return []


@generated
@given(reserved)
def test_no_reserved_address_is_public(ip):
    assert not is_public(ip)


@generated
@given(urls, answers)
def test_only_public_addresses_are_connected_to(tmp_path_factory, url, found):
    connected = []

    def note(_socket, address):
        connected.append(address[0])
        return 111

    policy = FetchPolicy(2**20, resolve=lambda host, port: only_numbers(host, port) or found)
    with patch.object(socket.socket, "connect_ex", note), contextlib.suppress(errors.InputError, errors.UrlForbidden):
        download_input(url, tmp_path_factory.getbasetemp() / "never", policy)
    assert not any(ipaddress.ip_address(ip) in network for ip in connected for network in RESERVED)
    assert not connected or set(connected) <= set(found)


@generated
@given(st.binary(max_size=60), st.sampled_from([b"", b"http://", b"//", b"http://[", b"https://a.example:"]))
def test_a_redirect_leads_to_an_address_that_is_checked_or_to_an_error_of_ours(sent, start):
    with contextlib.suppress(errors.InputError, errors.UrlForbidden):
        found = redirect_target("https://a.example/b?c=d", {"location": (start + sent).decode("latin-1")})
        assert parse_address(found, AllowedAddresses()).scheme in ("http", "https")

"""A port is bound before anything starts, or the error names it and what to do."""

import os
import re
import socket

import pytest

from penstock.host.ports import PortUnavailable, bind_port


@pytest.fixture
def taken():
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def told(host, port):
    with pytest.raises(PortUnavailable) as refused, bind_port(host, port, "--port"):
        pass
    return str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_taken_port_is_reported_with_the_option(taken, host):
    sentence = f"Port {taken} of {host} is taken by another program; choose another: --port (\\d+) is free."
    offered = re.fullmatch(sentence, told(host, taken))
    with bind_port(host, int(offered[1]), "--port"):
        pass


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid", "a" * 70 + ".example", "é" * 70, ""])
def test_a_host_that_is_not_of_this_machine_is_reported(host):
    assert told(host or " ", 0) == f"{host or ' '} is not an address of this machine; choose another --host."


def test_a_port_is_listening_once_a_process_listens_on_it():
    with bind_port("127.0.0.1", 0, "--port") as place:
        before = place.is_listening()
        with socket.socket(fileno=os.dup(place.sockets[0].fileno())) as inherited:
            inherited.listen()
        assert (before, place.is_listening()) == (False, True)
        assert "is taken by another program" in told("127.0.0.1", place.port)


def test_all_addresses_of_a_host_have_one_port():
    with bind_port("localhost", 0, "--port") as place:
        assert {each.getsockname()[1] for each in place.sockets} == {place.port}

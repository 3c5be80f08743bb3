"""The client of commands: what their own driver makes of a service that is gone, refuses or breaks off."""

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from penstock.client.address import ServiceAddress
from penstock.client.calls import Answer, Call, FileBody, Lost
from penstock.client.clients import Client
from penstock.client.drivers import SyncDriver
from penstock.client.loopback import LoopbackClient, LoopbackDriver, client_at
from penstock.errors import ContentMismatch

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


@contextmanager
def answering(answer, *, reads=True, times=1):
    """A driver whose service gives this answer to so many requests, and closes each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_requests():
            for _ in range(times):
                with listener.accept()[0] as connection, suppress(OSError):
                    if reads:
                        connection.recv(1 << 16)
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(1 << 16):
                        pass

        serving = threading.Thread(target=answer_requests)
        serving.start()
        yield driver_of(listener)
        serving.join(10)


def driver_of(listener):
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    return LoopbackDriver(lambda: ServiceAddress(url, "key"), 0)


def test_an_answer_in_chunks_is_read_whole():
    answer = (
        b"HTTP/1.1 409 Conflict\r\nRetry-After: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n1\r\n \r\n0\r\n\r\n"
    )
    with answering(answer) as driver:
        found = driver.send(Call("POST", "/tasks", dict, {"name": "ä b"}, body={"url": "x"}))
    assert (found.status, found.headers["retry-after"], found.content) == (409, "3", b"{} ")


def test_a_service_that_is_gone_has_not_seen_the_request():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        driver = driver_of(listener)
    found = driver.send(Call("GET", "/tasks", dict))
    assert (found.reason, found.may_have_arrived) == ("the connection was refused, or the name is unknown", False)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", OK, OK + b"hal"])
def test_a_connection_that_breaks_off_is_no_answer(answer):
    with answering(answer) as driver:
        found = driver.send(Call("POST", "/tasks", dict, body={}))
    assert (found.reason, found.may_have_arrived) == ("the connection broke off", True)


def test_what_came_before_the_end_of_a_connection_is_kept():
    received = []
    with answering(OK + b"hal") as driver:
        found = driver.send(Call("GET", "/content", dict, sink=lambda status, block: received.append((status, block))))
    assert isinstance(found, Lost)
    assert received == [(200, b"hal")]


def test_a_service_that_does_not_answer_in_time_may_have_acted():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = driver_of(listener).send(Call("POST", "/tasks", dict, body={}, answer_seconds=0.05))
    assert (found.reason, found.may_have_arrived) == ("it did not answer in time", True)


def test_the_refusal_of_an_upload_is_read_while_it_is_sent(tmp_path):
    with answering(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}", reads=False) as driver:
        found = driver.send(upload(tmp_path, 1 << 24))
    assert (found.status, found.content) == (413, b"{}")


def test_an_upload_that_breaks_off_has_left_nothing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closing = threading.Thread(target=accept_and_close, args=(listener,))
        closing.start()
        found = driver_of(listener).send(upload(tmp_path, 1 << 24))
        closing.join(10)
    assert not found.may_have_arrived
    assert "of 16.8 MB" in found.reason


@pytest.mark.parametrize("driver_class", [LoopbackDriver, SyncDriver])
@pytest.mark.parametrize("declared", [5, 3])
def test_a_file_that_changes_while_it_is_sent_is_an_error_at_once(tmp_path, declared, driver_class):
    call = upload(tmp_path, 4)
    changed = replace(call, file=replace(call.file, size=declared))
    with answering(b"") as driver, pytest.raises(ContentMismatch, match="The file changed while it was sent"):
        driver_class(driver.connection.locate, 0).send(changed)


def test_an_error_of_the_file_is_none_of_the_connection(tmp_path):
    missing = FileBody(tmp_path / "none", 4, "image/png")
    with answering(OK) as driver, pytest.raises(FileNotFoundError):
        driver.send(Call("POST", "/files", dict, file=missing))


def test_a_link_that_leads_on_to_a_storage_is_followed():
    with answering(OK + b"text") as storage:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {storage.connection.address.url}/x\r\nContent-Length: 0\r\n\r\n"
        received = []
        with answering(moved.encode(), times=2) as driver:  # it is httpx that follows
            found = driver.send(Call("GET", "/content", dict, sink=lambda _, block: received.append(block)))
            driver.close()
    assert isinstance(found, Answer)
    assert received == [b"text"]


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "http://127.0.0.1:1/under", "http://media.example:1"])
def test_only_a_plain_service_of_this_machine_is_asked_so(url):
    with client_at("http://[::1]:1", "key") as own, client_at(url, "key") as other:
        assert (type(own), type(other)) == (LoopbackClient, Client)


def upload(folder, size):
    path = folder / "film.mp4"
    path.write_bytes(bytes(size))
    return Call("POST", "/files", dict, file=FileBody(path, size, "video/mp4"))


def accept_and_close(listener):
    listener.accept()[0].close()

"""A web server that sends exactly the given bytes, whatever it is asked."""

import socket
import threading
from contextlib import contextmanager

from penstock.storage.http_source import FetchPolicy


@contextmanager
def scripted_origin(*answers):
    """A server that sends these responses, one a connection. Yields `host:port` and the requests that it got."""
    requests = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    requests.append(connection.recv(65_536))
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65_536):
                        pass

        def quiet():
            try:
                serve()
            except OSError:
                return

        thread = threading.Thread(target=quiet)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", requests
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def policy_for(place, **more):
    return FetchPolicy(max_bytes=10 * 2**20, read_seconds=2, total_seconds=5, allow=place, resolve=known, **more)


def known(host, _port):
    """The addresses of hosts that are addresses; no other exists."""
    return [host] if host[0].isdigit() else []

"""A load generator in a process of its own: POSTs bodies on a fixed number of keep-alive connections.

`python -m benchmarks.harness.load_client HOST PORT KEY AT_ONCE < bodies` (one a line) prints, as JSON, the seconds
from the first POST to the last response, the seconds of each, and the count of each HTTP status. It uses raw sockets,
because a client library needs as much processor time as the service under test.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

HEAD = (
    "POST /tasks HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
)


@dataclass
class Responses:
    """Wall time of all, and the time of each in the order of the responses; seconds. Counts by HTTP status."""

    wall: float = 0.0
    each: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def main() -> None:
    host, port, key, at_once = sys.argv[1:]
    head = HEAD.format(host=host, port=port, key=key).encode()
    bodies = [line.rstrip(b"\n") for line in sys.stdin.buffer]
    print(json.dumps(vars(asyncio.run(post_all(host, int(port), head, bodies, int(at_once))))))


async def post_all(host: str, port: int, head: bytes, bodies: list[bytes], at_once: int) -> Responses:
    left, responses = iter(bodies), Responses()
    streams = [await asyncio.open_connection(host, port) for _ in range(at_once)]
    began = time.perf_counter()
    await asyncio.gather(*(_post(stream, head, left, responses) for stream in streams))
    responses.wall = time.perf_counter() - began
    for _, writer in streams:
        writer.close()
    return responses


async def _post(
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], head: bytes, left: Iterator[bytes], responses: Responses
) -> None:
    """Send one body after the other until none is left."""
    reader, writer = stream
    for body in left:
        began = time.perf_counter()
        writer.write(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        status = await _read(reader)
        responses.each.append(time.perf_counter() - began)
        responses.statuses[status] += 1


async def _read(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:"))
    await reader.readexactly(length)
    return int(lines[0].split()[1])


if __name__ == "__main__":
    main()

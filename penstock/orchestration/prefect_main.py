"""The process of our own Prefect server: `prefect server start` on a socket that is bound already.

It differs from that in three ways, which save two seconds of a start: the collector rests during the imports, block
types are not compared with the database where those of this version are in it, and no second process is asked whether
a port is free.
"""

import argparse
import gc
import socket
from collections.abc import Sequence
from pathlib import Path

import prefect.settings as names
import uvicorn

from penstock.logs.records import redact_records


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--inherited", type=int, required=True, help="Descriptor of the bound socket.")
    parser.add_argument("--blocks", type=Path, help="A file that exists once the block types are in the database.")
    given = parser.parse_args(arguments)
    redact_records()
    are_registered = given.blocks is not None and given.blocks.exists()
    with names.temporary_settings(NO_REGISTRATION if are_registered else {}):
        Server(_config(), given.blocks).run([socket.socket(fileno=given.inherited)])


NO_REGISTRATION = {
    names.PREFECT_API_BLOCKS_REGISTER_ON_START: False,
    names.PREFECT_MEMOIZE_BLOCK_AUTO_REGISTRATION: False,
}


class Server(uvicorn.Server):
    """Notes in the file `blocks` that this server has started, and with that has registered the block types."""

    def __init__(self, config: uvicorn.Config, blocks: Path | None) -> None:
        super().__init__(config)
        self._blocks = blocks

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._blocks is not None:
            self._blocks.parent.mkdir(parents=True, exist_ok=True)
            self._blocks.touch()


def _config() -> uvicorn.Config:
    """As `prefect server start` serves the app."""
    gc.disable()
    from prefect.server.api.server import create_app  # noqa: PLC0415 - three seconds

    app = create_app(final=True)
    gc.freeze()
    gc.enable()
    return uvicorn.Config(
        app,
        timeout_keep_alive=names.PREFECT_SERVER_API_KEEPALIVE_TIMEOUT.value(),
        ws_ping_interval=names.PREFECT_SERVER_API_WEBSOCKET_PING_INTERVAL.value(),
        ws_ping_timeout=names.PREFECT_SERVER_API_WEBSOCKET_PING_TIMEOUT.value(),
        log_level=names.PREFECT_SERVER_LOGGING_LEVEL.value().lower(),
        log_config=None,  # Prefect's logging has the handlers, and their format
    )


if __name__ == "__main__":
    main()

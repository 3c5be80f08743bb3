"""The functions of a child process that only probes video and audio files: it starts without the image libraries."""

from collections.abc import Callable
from typing import Any

from penstock.engines.probing.container import probe_container

TABLE: dict[str, Callable[..., Any]] = {"probe_container": probe_container}

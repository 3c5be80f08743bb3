"""The functions of a child process that only probes images: it starts without libav, libvips and pydantic, in half the
time. The colors of an AVIF need libav."""

from collections.abc import Callable
from typing import Any

from penstock.engines.images.image_probe import probe_image

TABLE: dict[str, Callable[..., Any]] = {"probe_image": probe_image}

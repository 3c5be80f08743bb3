"""The functions that may be called in a child process, by name. Importing this module loads every decoder, so only
the fork server does."""

from collections.abc import Callable
from typing import Any

from penstock.engines.ffmpeg.poster_frame import poster_frame_time
from penstock.engines.images.image_probe import probe_image
from penstock.engines.images.lossless_copy import copy_image
from penstock.engines.images.making import make_image
from penstock.engines.images.rendering import render
from penstock.engines.probing.container import probe_container, probe_container_header
from penstock.engines.probing.partial_probe import probe_partial
from penstock.engines.verification.read_back import read_back_container, read_back_image

_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    copy_image,
    make_image,
    poster_frame_time,
    probe_container,
    probe_container_header,
    probe_image,
    probe_partial,
    read_back_container,
    read_back_image,
    render,
)
TABLE: dict[str, Callable[..., Any]] = {function.__name__: function for function in _FUNCTIONS}

"""The functions that run in a child process, by name. Importing this module loads every decoder: only the fork server
does."""

from collections.abc import Callable
from typing import Any

from penstock.engines.ffmpeg import poster_frame
from penstock.engines.images import lossless_copy, pictures
from penstock.engines.probing import container, partial_probe
from penstock.engines.verification import read_back

TABLE: dict[str, Callable[..., Any]] = {
    "examine": container.examine,
    "glance": container.glance,
    "keep": lossless_copy.keep,
    "moment": poster_frame.moment,
    "picture": pictures.facts,
    "render": pictures.render,
    "reread": read_back.read_back,
    "reread_picture": read_back.reread_picture,
    "sketch": partial_probe.sketch,
}

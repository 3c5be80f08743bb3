"""Python's garbage collector, off for work that ends at once."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_off() -> Iterator[None]:
    """No garbage is collected in this block. Imports make many objects and hardly any garbage: to search them for it is
    12 % of the processor time of `penstock plan`."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

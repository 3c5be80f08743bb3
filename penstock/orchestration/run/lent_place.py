"""A run that only waits lends its place in the worker to another run."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Lend = Callable[[], AbstractContextManager[None]]

# A stock worker of Prefect has no places of ours.
_lend: ContextVar[Lend] = ContextVar("lend", default=nullcontext)


@contextmanager
def lending(lend: Lend) -> Iterator[None]:
    """A run in this block lends its place by `lend`."""
    token = _lend.set(lend)
    try:
        yield
    finally:
        _lend.reset(token)


def place_lent() -> AbstractContextManager[None]:
    """The place of this thread's run is lent while the block runs. The run does not wait for it afterwards."""
    return _lend.get()()

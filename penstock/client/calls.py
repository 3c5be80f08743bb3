"""What an operation asks of the driver that runs it, and what the driver answers. No I/O.

An operation is a generator: it yields `Call` and `Sleep`, is sent what they answer, and returns its result. The
synchronous and the asynchronous client run the same generators."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Progress = Callable[[str, int], object]


@dataclass(frozen=True, slots=True)
class FileBody:
    """A file as the body of a request, read in blocks. `progress` is told `sending` and the percentage."""

    path: Path
    size: int
    type: str
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, with the type of the `data` of its answer.

    `is_repeatable`: sending it twice has the effect of sending it once, so that it may be sent again after its answer
    was lost. `patience_seconds`: how long a service that is away is waited for; None: as long as the client says.
    `sink`: takes the status of a successful answer and each block of its body."""

    method: str
    path: str
    result: type[T]
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    file: FileBody | None = None
    is_repeatable: bool = True
    answer_seconds: float = 60.0
    patience_seconds: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sink: Callable[[int, bytes], None] | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """One try of a call. Answered by `Answer` or `Lost`. A call whose path is a whole address is sent without a key."""

    call: Call[Any]


@dataclass(frozen=True, slots=True)
class Sleep:
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """`content` is empty where a sink took it. `address` is that of the service."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    address: str


@dataclass(frozen=True, slots=True)
class Lost:
    """No whole answer came. `may_have_arrived`: the service may have acted on the request."""

    reason: str
    address: str
    may_have_arrived: bool


Outcome = Answer | Lost
Steps = Generator[Any, Any, T]

"""Turns the description of an operation into methods of both clients."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from penstock.client.calls import Steps
from penstock.client.operations import Listing

if TYPE_CHECKING:
    from penstock.client.clients import AsyncClient, Client

P = ParamSpec("P")
T = TypeVar("T")


class Method(Generic[P, T]):
    """A method that blocks in `Client`, and is awaited in `AsyncClient`."""

    def __init__(self, operation: Callable[P, Steps[T]]) -> None:
        self.operation = operation
        self.__doc__ = operation.__doc__

    @overload
    def __get__(self, client: "Client", owner: Any) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: "AsyncClient", owner: Any) -> Callable[P, Awaitable[T]]: ...
    @overload
    def __get__(self, client: None, owner: Any) -> "Method[P, T]": ...
    def __get__(self, client: Any, owner: Any) -> Any:
        if client is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.run(self.operation(*args, **kwargs))

        call.__doc__, call.__name__ = self.__doc__, self.operation.__name__
        return call


class ListMethod(Generic[P, T]):
    """A method that returns an iterator over all pages of a list."""

    def __init__(self, listing: Callable[P, Listing[T]]) -> None:
        self.listing = listing
        self.__doc__ = listing.__doc__

    @overload
    def __get__(self, client: "Client", owner: Any) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: "AsyncClient", owner: Any) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(self, client: None, owner: Any) -> "ListMethod[P, T]": ...
    def __get__(self, client: Any, owner: Any) -> Any:
        if client is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.entries(self.listing(*args, **kwargs))

        call.__doc__, call.__name__ = self.__doc__, self.listing.__name__
        return call

"""One page of a list: what was asked for, and what there is."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from penstock.domain.formats import Kind
from penstock.domain.task import Status

Item_co = TypeVar("Item_co", covariant=True)

MAX_TOTAL = 10_000


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which page, in which order, of what kind; None filters nothing. `format` is any container's name."""

    page: int = 1
    limit: int = 12
    order: Literal["desc", "asc"] = "desc"
    kind: Kind | None = None
    status: Status | None = None
    format: str | None = None

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item_co]):
    """`total` counts to 10,000 and stops there, meaning 10,000 or more."""

    items: tuple[Item_co, ...]
    total: int
    query: ListQuery

    @property
    def pages(self) -> int:
        return -(-self.total // self.query.limit)

    @property
    def has_more(self) -> bool:
        """Whether there is another page, as far as one can see: where the count has stopped, a full page has a next."""
        full = len(self.items) == self.query.limit
        return self.query.page < self.pages or (self.total >= MAX_TOTAL and full)

"""One page of a list: the query and the result."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from penstock.domain.formats import Kind
from penstock.domain.task import Status

Item_co = TypeVar("Item_co", covariant=True)

MAX_TOTAL = 10_000


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Page, order and filters; None does not filter. `format` is the name of any container."""

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
    """The items of one page. `total` is counted up to 10,000, which means 10,000 or more."""

    items: tuple[Item_co, ...]
    total: int
    query: ListQuery

    @property
    def pages(self) -> int:
        return -(-self.total // self.query.limit)

    @property
    def has_more(self) -> bool:
        """Whether there is a next page. Beyond the counted total, a full page is assumed to have one."""
        full = len(self.items) == self.query.limit
        return self.query.page < self.pages or (self.total >= MAX_TOTAL and full)

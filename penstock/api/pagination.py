"""The query parameters of lists."""

from typing import Annotated, Literal

from fastapi import Query as FromQuery
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from penstock.domain.batch.batch import BatchStatus, ItemStatus
from penstock.domain.formats import SYNONYMS, Kind
from penstock.domain.pagination import ListQuery
from penstock.domain.task import Status


def _canonical(name: str) -> str:
    return SYNONYMS.get(name, name)


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, le=100_000)
    limit: int = Field(12, ge=1, le=100)
    order: Literal["desc", "asc"] = "desc"
    kind: Kind | None = None
    status: Status | None = None
    format: Annotated[str, BeforeValidator(_canonical), Field(pattern=r"^[a-z0-9]{2,16}$")] | None = None


class BatchQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, le=100_000)
    limit: int = Field(12, ge=1, le=100)
    order: Literal["desc", "asc"] = "desc"
    status: BatchStatus | None = None


class PlainQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, le=100_000)
    limit: int = Field(12, ge=1, le=100)
    order: Literal["desc", "asc"] = "desc"


class ItemQuery(BaseModel):
    """Items are in the order of their lines."""

    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, le=100_000)
    limit: int = Field(12, ge=1, le=100)
    order: Literal["desc", "asc"] = "asc"
    status: ItemStatus | None = None
    code: str | None = Field(None, pattern=r"^[a-z_]{2,64}$", description="of the error, such as input_unreadable")


PageParameters = Annotated[PageQuery, FromQuery()]
BatchParameters = Annotated[BatchQuery, FromQuery()]
PlainParameters = Annotated[PlainQuery, FromQuery()]
ItemParameters = Annotated[ItemQuery, FromQuery()]


def list_query(parameters: PageQuery) -> ListQuery:
    return ListQuery(**parameters.model_dump())


def page_of(parameters: BatchQuery | ItemQuery | PlainQuery) -> ListQuery:
    """The page alone; the filters of batches and items are not those of a `ListQuery`."""
    return ListQuery(page=parameters.page, limit=parameters.limit, order=parameters.order)

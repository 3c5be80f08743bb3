"""`convert` and `aconvert`: one conversion with one call."""

from os import PathLike
from typing import Literal, Unpack, overload

from penstock.client.calls import Progress
from penstock.client.clients import AsyncClient, Client
from penstock.client.models import CompletedTask, Task
from penstock.client.requests import ConversionOptions, RequestedFormat

Source = str | PathLike[str]


@overload
def convert(
    source: Source,
    *,
    format: RequestedFormat,
    wait: Literal[True] = True,
    timeout: float | None = None,
    progress: Progress | None = None,
    **options: Unpack[ConversionOptions],
) -> CompletedTask: ...
@overload
def convert(
    source: Source,
    *,
    format: RequestedFormat,
    wait: Literal[False],
    progress: Progress | None = None,
    **options: Unpack[ConversionOptions],
) -> Task: ...
def convert(
    source: Source,
    *,
    format: RequestedFormat,
    wait: bool = True,
    timeout: float | None = None,
    progress: Progress | None = None,
    **options: Unpack[ConversionOptions],
) -> Task:
    """Convert a file or an http(s) address with the service of the environment, and return the completed Task.

    A file is uploaded, and the upload deleted once the Task has ended. `progress` is called with a word and a
    percentage. After `timeout` seconds of waiting `WaitTimeout` is raised, and the Task goes on; with `wait=False` it
    is returned at once. Raises the errors of `penstock.errors`: those of the service by their code."""
    with Client() as client:
        if not wait:
            return client.start(source, format=format, progress=progress, **options)
        return client.convert(source, format=format, timeout=timeout, progress=progress, **options)


@overload
async def aconvert(
    source: Source,
    *,
    format: RequestedFormat,
    wait: Literal[True] = True,
    timeout: float | None = None,
    progress: Progress | None = None,
    **options: Unpack[ConversionOptions],
) -> CompletedTask: ...
@overload
async def aconvert(
    source: Source,
    *,
    format: RequestedFormat,
    wait: Literal[False],
    progress: Progress | None = None,
    **options: Unpack[ConversionOptions],
) -> Task: ...
async def aconvert(
    source: Source,
    *,
    format: RequestedFormat,
    wait: bool = True,
    timeout: float | None = None,
    progress: Progress | None = None,
    **options: Unpack[ConversionOptions],
) -> Task:
    """`convert` for async programs."""
    async with AsyncClient() as client:
        if not wait:
            return await client.start(source, format=format, progress=progress, **options)
        return await client.convert(source, format=format, timeout=timeout, progress=progress, **options)

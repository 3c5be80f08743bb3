"""A flow of another project that converts: `python foreign_flow.py URL…` (docs/prefect.md).

It needs `pip install 'penstock[prefect]'`, and a block named `penstock` with the address and the key of the service."""

import asyncio
import sys

from prefect import flow

from penstock import errors
from penstock.prefect import aconvert_media, convert_many, convert_media

SERVICE = "penstock"


@flow
def thumbnails(urls: list[str]) -> list[str]:
    """The ids of the outputs; what is refused is left out."""
    first = convert_media(urls[0], format="webp", width=120, credentials=SERVICE)
    print(first.output.id, first.saved_bytes, first.receipt.signature[:8])
    try:
        convert_media(urls[0], format="webp", width=20_000, credentials=SERVICE)
    except errors.UpscaleNotAllowed as refused:
        print(refused.code)
    lines = convert_many([{"url": url, "width": 60} for url in urls], defaults={"format": "webp"}, credentials=SERVICE)
    return [line.output for line in lines if line.output is not None]


@flow
async def many_at_once(urls: list[str]) -> int:
    """The bytes of all outputs. No thread waits for any of them."""
    made = await asyncio.gather(*(aconvert_media(url, format="gif", width=50, credentials=SERVICE) for url in urls))
    return sum(one.output.filesize for one in made)


if __name__ == "__main__":
    print(len(thumbnails(sys.argv[1:])), asyncio.run(many_at_once(sys.argv[1:])) > 0)

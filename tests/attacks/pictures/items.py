"""AVIF and HEIC files whose items lie: they refer to each other, to nothing, to other files, or to far too much.

Boxes and items: ISO/IEC 14496-12 §8.11 and 23008-12."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Literal

import pillow_heif
from PIL import Image

Brand = Literal["avif", "heic"]
BRANDS: tuple[Brand, ...] = ("avif", "heic")
SIDE = 64
# Pillow's name, the kind of a coded item, and the box of its decoder's configuration.
_PROFILES: dict[Brand, tuple[str, bytes, bytes]] = {
    "avif": ("AVIF", b"av01", b"av1C"),
    "heic": ("HEIF", b"hvc1", b"hvcC"),
}


@dataclass(frozen=True)
class Item:
    """An item of a picture: coded pixels, or how those of others are put together. `extents` are places of the file
    from the start of the data, by default all of `data`; `properties` count from 1."""

    number: int
    kind: bytes
    data: bytes = b""
    properties: tuple[int, ...] = ()
    extents: tuple[tuple[int, int], ...] | None = None
    method: int = 0
    data_reference: int = 0


@dataclass(frozen=True)
class Picture:
    """A file of items: `references` are (kind, from, to …)."""

    brand: Brand
    items: tuple[Item, ...]
    references: tuple[tuple[bytes, int, tuple[int, ...]], ...] = ()
    properties: tuple[bytes, ...] = ()
    primary: int = 1
    addresses: tuple[bytes, ...] = ()

    @property
    def content(self) -> bytes:
        start = len(self._head(0)) + 8
        return self._head(start) + box(b"mdat", b"".join(item.data for item in self.items))

    def _head(self, start: int) -> bytes:
        brand = self.brand.encode()
        return box(b"ftyp", brand, bytes(4), b"mif1", brand, b"miaf") + self._meta(start)

    def _meta(self, start: int) -> bytes:
        handler = full_box(b"hdlr", bytes(4), b"pict", bytes(13))
        primary = full_box(b"pitm", struct.pack(">H", self.primary))
        places = full_box(b"dref", struct.pack(">I", len(self.addresses)), *self.addresses)
        kinds = [
            full_box(b"infe", struct.pack(">HH", item.number, 0), item.kind, b"\0", version=2) for item in self.items
        ]
        infos = full_box(b"iinf", struct.pack(">H", len(kinds)), *kinds)
        links = [
            box(kind, struct.pack(f">HH{len(to)}H", start_item, len(to), *to))
            for kind, start_item, to in self.references
        ]
        return full_box(
            b"meta", handler, primary, box(b"dinf", places), self._locations(start), infos,
            full_box(b"iref", *links) if links else b"", self._properties(),
        )  # fmt: skip

    def _locations(self, start: int) -> bytes:
        entries, offset = [], start
        for item in self.items:
            extents = ((offset - start, len(item.data)),) if item.extents is None else item.extents
            places = [struct.pack(">II", (start + at) % 2**32, length) for at, length in extents]
            head = struct.pack(">HHHH", item.number, item.method, item.data_reference, len(extents))
            entries.append(head + b"".join(places))
            offset += len(item.data)
        return full_box(b"iloc", b"\x44\0", struct.pack(">H", len(entries)), *entries, version=1)

    def _properties(self) -> bytes:
        described = [
            struct.pack(">HB", item.number, len(item.properties)) + bytes(item.properties) for item in self.items
        ]
        uses = full_box(b"ipma", struct.pack(">I", len(described)), *described)
        return box(b"iprp", box(b"ipco", *self.properties), uses)


def box(kind: bytes, *content: bytes) -> bytes:
    return struct.pack(">I", 8 + sum(map(len, content))) + kind + b"".join(content)


def full_box(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, bytes([version]), flags.to_bytes(3, "big"), *content)


def extent(width: int, height: int) -> bytes:
    return full_box(b"ispe", struct.pack(">II", width, height))


@cache
def coded(brand: Brand) -> tuple[bytes, bytes]:
    """A picture of 64 x 64 as a decoder wants it: its configuration, and its bytes."""
    name, _, configuration = _PROFILES[brand]
    made = saved(name, quality=50, **({"max_threads": 1} if brand == "avif" else {}))
    at = made.index(configuration) - 4
    media = made.index(b"mdat") - 4
    return made[at : at + int.from_bytes(made[at : at + 4], "big")], made[media + 8 :]


def saved(name: str, frames: int = 1, **options: object) -> bytes:
    pillow_heif.register_heif_opener()
    made, pictures = io.BytesIO(), [Image.new("RGB", (SIDE, SIDE), color) for color in ("teal", "red", "navy", "olive")]
    if frames > 1:
        options |= {"save_all": True, "append_images": pictures[1:frames]}
    pictures[0].save(made, name, **options)
    return made.getvalue()


def plain(brand: Brand) -> Picture:
    """One picture that is as it should be: properties are its configuration and its size."""
    configuration, content = coded(brand)
    item = Item(1, _PROFILES[brand][1], content, (0x81, 2))
    return Picture(brand, (item,), properties=(configuration, extent(SIDE, SIDE)))


def put_together(brand: Brand, others: tuple[Item, ...], references, *extents: bytes) -> Picture:
    """The first of `others` is the primary item; item 1 has the pixels. Its further sizes are properties from 3 on."""
    base = plain(brand)
    return replace(
        base, items=(*base.items, *others), references=references, primary=others[0].number,
        properties=(*base.properties, *extents),
    )  # fmt: skip


def grid(number: int, rows: int, columns: int, size: tuple[int, int], sized: int = 3) -> Item:
    return Item(number, b"grid", struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, *size), (sized,))


def grid_of(brand: Brand, shape: tuple[int, int], size: tuple[int, int], tiles: int) -> bytes:
    """A grid whose tiles are items of their own, which share their bytes."""
    pixels = plain(brand).items[0]
    shared = ((0, len(pixels.data)),)
    others = tuple(replace(pixels, number=number, data=b"", extents=shared) for number in range(3, tiles + 3))
    numbers = tuple(item.number for item in others)
    return put_together(brand, (grid(2, *shape, size), *others), ((b"dimg", 2, numbers),), extent(*size)).content


def grid_without_tiles(brand: Brand) -> bytes:
    return put_together(
        brand, (grid(2, 2, 2, (128, 128)),), ((b"dimg", 2, (1, 7, 8, 9)),), extent(128, 128)
    ).content  # fmt: skip


def grid_with_too_few_tiles(brand: Brand) -> bytes:
    return grid_of(brand, (16, 16), (1024, 1024), 3)


def largest_grid(brand: Brand) -> bytes:
    return grid_of(brand, (256, 256), (2**32 - 1, 2**32 - 1), 5_000)


def grid_beyond_the_limits(brand: Brand) -> bytes:
    """8,192 x 8,192 pixels of one tile."""
    return grid_of(brand, (128, 128), (128 * SIDE, 128 * SIDE), 128 * 128)


def grid_of_one_tile(brand: Brand) -> bytes:
    """12,000 times the same tile, 49 million pixels; libheif reads at most 1,000 items."""
    rows, columns = (100, 120) if brand == "avif" else (30, 30)
    return grid_of(brand, (rows, columns), (columns * SIDE, rows * SIDE), rows * columns)


def grid_of_smaller_tiles(brand: Brand) -> bytes:
    """The tiles cover a corner of what the grid says it is."""
    return grid_of(brand, (2, 2), (6000, 6000), 4)


def grid_of_itself(brand: Brand) -> bytes:
    item = grid(2, 1, 1, (SIDE, SIDE))
    return put_together(brand, (item,), ((b"dimg", 2, (2,)),), extent(SIDE, SIDE)).content


def grids_in_a_circle(brand: Brand) -> bytes:
    size = (SIDE, SIDE)
    items, links = (grid(2, 1, 1, size), grid(3, 1, 1, size)), ((b"dimg", 2, (3,)), (b"dimg", 3, (2,)))
    return put_together(brand, items, links, extent(*size)).content


def grids_in_grids(brand: Brand) -> bytes:
    """500 grids of one tile, each in the one before."""
    numbers, size = range(2, 502), (SIDE, SIDE)
    links = tuple((b"dimg", number, (number + 1 if number < 501 else 1,)) for number in numbers)
    return put_together(brand, tuple(grid(number, 1, 1, size) for number in numbers), links, extent(*size)).content


def grids_that_double(brand: Brand) -> bytes:
    """16 levels of 2 x 2 times the grid below: four thousand million tiles."""
    numbers, size = range(2, 18), (SIDE, SIDE)
    links = tuple((b"dimg", number, (number + 1 if number < 17 else 1,) * 4) for number in numbers)
    return put_together(brand, tuple(grid(number, 2, 2, size) for number in numbers), links, extent(*size)).content


def layers_in_layers(brand: Brand) -> bytes:
    """10 levels of 60 layers, each of all of the level below."""
    numbers = range(2, 12)
    head = struct.pack(">BB4HHH", 0, 0, 0, 0, 0, 0, SIDE, SIDE)
    items = tuple(Item(number, b"iovl", head + bytes(4 * 60), (2,)) for number in numbers)
    links = tuple((b"dimg", number, (number + 1 if number < 11 else 1,) * 60) for number in numbers)
    return put_together(brand, items, links).content


def largest_layer(brand: Brand) -> bytes:
    head = struct.pack(">BB4HII", 0, 1, 0, 0, 0, 0, 2**31 - 1, 2**31 - 1)
    item = Item(2, b"iovl", head + bytes(8), (3,))
    return put_together(brand, (item,), ((b"dimg", 2, (1,)),), extent(2**31 - 1, 2**31 - 1)).content


def identities_in_a_circle(brand: Brand) -> bytes:
    items = (Item(2, b"iden", b"", (2,)), Item(3, b"iden", b"", (2,)))
    return put_together(brand, items, ((b"dimg", 2, (3,)), (b"dimg", 3, (2,)))).content


def its_own_everything(brand: Brand) -> bytes:
    """The picture is its own thumbnail, alpha, metadata and base."""
    kinds = (b"thmb", b"auxl", b"cdsc", b"prem", b"base", b"dimg", b"tbas")
    return replace(plain(brand), references=tuple((kind, 1, (1,)) for kind in kinds)).content


def alpha_of_each_other(brand: Brand) -> bytes:
    base = plain(brand)
    alpha = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
    both = tuple(replace(base.items[0], number=number, properties=(0x81, 2, 0x83)) for number in (1, 2))
    links = ((b"auxl", 1, (2,)), (b"auxl", 2, (1,)))
    return replace(base, items=both, references=links, properties=(*base.properties, alpha)).content


def many_alphas(brand: Brand) -> bytes:
    """10,000 items of the same bytes, each of them the alpha of the picture."""
    base = plain(brand)
    alpha = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
    others = tuple(
        Item(number, base.items[0].kind, b"", (0x81, 2, 0x83), ((0, len(base.items[0].data)),))
        for number in range(2, 10_002)
    )
    links = tuple((b"auxl", item.number, (1,)) for item in others)
    return replace(base, items=(*base.items, *others), references=links, properties=(*base.properties, alpha)).content


def extents_of(extents: tuple[tuple[int, int], ...], brand: Brand) -> bytes:
    base = plain(brand)
    return replace(base, items=(replace(base.items[0], extents=extents),)).content


def sized(width: int, height: int, brand: Brand) -> bytes:
    base = plain(brand)
    return replace(base, properties=(base.properties[0], extent(width, height))).content


def many_turns(brand: Brand) -> bytes:
    """126 rotations by 90 degrees."""
    base, turn = plain(brand), box(b"irot", b"\1")
    item = replace(base.items[0], properties=(0x81, 2, *(0x83,) * 126))
    return replace(base, items=(item,), properties=(*base.properties, turn)).content


def cropped_to_nothing(brand: Brand) -> bytes:
    base, crop = plain(brand), box(b"clap", struct.pack(">IIIIiIiI", 0, 1, 2**31, 1, -(2**31), 0, 2**31 - 1, 0))
    item = replace(base.items[0], properties=(0x81, 2, 0x83))
    return replace(base, items=(item,), properties=(*base.properties, crop)).content


def unknown_properties(brand: Brand) -> bytes:
    base = plain(brand)
    return replace(base, items=(replace(base.items[0], properties=(0x81, 2, 0xFF, 77)),)).content


def without_configuration(brand: Brand) -> bytes:
    base = plain(brand)
    return replace(base, items=(replace(base.items[0], properties=(2,)),)).content


def another_file(brand: Brand, address: str) -> bytes:
    """The bytes of the picture are those of another file (`dref`)."""
    base, entry = plain(brand), full_box(b"url ", address.encode() + b"\0")
    item = replace(base.items[0], data_reference=1)
    return replace(base, items=(item,), addresses=(entry,)).content


ITEMS: tuple[Callable[[Brand], bytes], ...] = (
    grid_without_tiles, grid_with_too_few_tiles, largest_grid, grid_beyond_the_limits, grid_of_one_tile,
    grid_of_smaller_tiles, grid_of_itself, grids_in_a_circle, grids_in_grids, grids_that_double, layers_in_layers,
    largest_layer, identities_in_a_circle, its_own_everything, alpha_of_each_other, many_alphas, many_turns,
    cropped_to_nothing, unknown_properties, without_configuration,
)  # fmt: skip
SIZES: dict[str, Callable[[Brand], bytes]] = {
    "larger": partial(sized, 1024, 1024),
    "smaller": partial(sized, 1, 1),
    "nothing": partial(sized, 0, 0),
    "largest": partial(sized, 2**32 - 1, 2**32 - 1),
    "bytes after the end": partial(extents_of, ((2**31, 100),)),
    "4 GB of bytes": partial(extents_of, ((0, 2**32 - 1),)),
    "the same bytes 60,000 times": partial(extents_of, ((0, 300),) * 60_000),
    "no bytes": partial(extents_of, ()),
}

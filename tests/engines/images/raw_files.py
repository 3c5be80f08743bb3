"""Raw files as cameras write them, made here: a TIFF structure, with the numbers of a sensor behind filters."""

import struct

BYTE, ASCII, SHORT, LONG, RATIONAL, SIGNED_RATIONAL = 1, 2, 3, 4, 5, 10
_LAYOUTS = {BYTE: "B", ASCII: "s", SHORT: "H", LONG: "I", RATIONAL: "I", SIGNED_RATIONAL: "i"}
# Of linear sRGB from XYZ (IEC 61966-2-1): a camera whose colors are those of sRGB.
_FROM_XYZ = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570)
WHITE = 16_383


def dng(pixels, orientation=1, order="<", **changed):
    """A DNG. `pixels` has rows of (red, green, blue), 0 to 1; each becomes four of the sensor's: RG above GB."""
    tags = {
        **_sensor(pixels, order),
        0x010F: (ASCII, b"Penstock\0"),
        0x0110: (ASCII, b"Test\0"),
        0x0112: (SHORT, [orientation]),
        0xC612: (BYTE, [1, 4, 0, 0]),
        0xC614: (ASCII, b"Penstock Test\0"),
        0xC61D: (LONG, [WHITE]),
        0xC621: (SIGNED_RATIONAL, [part for value in _FROM_XYZ for part in (round(10_000 * value), 10_000)]),
        0xC628: (RATIONAL, [1, 1] * 3),
        0xC65A: (SHORT, [21]),
    }
    return tiff(tags | changed.get("tags", {}), order)


def with_sub_picture(maker, pixels, order="<"):
    """The structure of NEF and ARW: the picture of the sensor is in a sub-IFD."""
    main = {0x010F: (ASCII, maker + b"\0"), 0x0110: (ASCII, b"Camera\0"), 0x0112: (SHORT, [1])}
    return tiff(main | {0x014A: (LONG, [0])}, order, _sensor(pixels, order))


def tiff(tags, order="<", sub=None):
    """A TIFF of these tags: number to type and values. `sub` are those of a sub-IFD, to which tag 330 then points."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    if sub is None:
        return head + _ifd(tags, order, 8)
    length = len(_ifd(tags, order, 8))
    first = _ifd(tags | {0x014A: (LONG, [8 + length])}, order, 8)
    return head + first + _ifd(sub, order, 8 + length)


def _sensor(pixels, order):
    height, width = 2 * len(pixels), 2 * len(pixels[0])
    rows = []
    for row in pixels:
        levels = [[round(WHITE * min(1, max(0, channel))) for channel in pixel] for pixel in row]
        rows.append([level for red, green, _ in levels for level in (red, green)])
        rows.append([level for _, green, blue in levels for level in (green, blue)])
    numbers = [number for row in rows for number in row]
    return {
        0x00FE: (LONG, [0]),
        0x0100: (LONG, [width]),
        0x0101: (LONG, [height]),
        0x0102: (SHORT, [16]),
        0x0103: (SHORT, [1]),
        0x0106: (SHORT, [32_803]),
        0x0111: (LONG, struct.pack(f"{order}{len(numbers)}H", *numbers)),
        0x0115: (SHORT, [1]),
        0x0116: (LONG, [height]),
        0x0117: (LONG, [2 * len(numbers)]),
        0x828D: (SHORT, [2, 2]),
        0x828E: (BYTE, [0, 1, 1, 2]),
    }


def _ifd(tags, order, start):
    """The IFD, then the values that do not fit in it. A strip's offset is given by the strip itself."""
    body_start = start + 2 + 12 * len(tags) + 4
    entries, body = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        if tag == 0x0111:
            entries += struct.pack(f"{order}HHII", tag, kind, 1, body_start + len(body))
            body += values
            continue
        content = values if kind == ASCII else struct.pack(f"{order}{len(values)}{_LAYOUTS[kind]}", *values)
        count = len(values) // (2 if kind in (RATIONAL, SIGNED_RATIONAL) else 1)
        if len(content) <= 4:
            entries += struct.pack(f"{order}HHI", tag, kind, count) + content.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}HHII", tag, kind, count, body_start + len(body))
            body += content + b"\0" * (len(content) % 2)
    return struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + body

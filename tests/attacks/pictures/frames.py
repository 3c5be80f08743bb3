"""Pictures of several frames or images whose tables lie about them.

APNG: W3C PNG (3rd edition) §11.3.2. WebP: RFC 9649 §2.7. GIF: GIF89a §20. MPO: CIPA DC-007 §5.2. AVIF: ISO/IEC 14496-12
§8.6 and §8.7."""

import struct
import zlib
from collections.abc import Callable

from tests.attacks.bombs import _chunk, _png, _riff, _zeros
from tests.attacks.pictures.items import SIDE, saved

MOST = 2**32 - 1
Frame = tuple[int, int, int, int]  # left, top, width, height


def patched(content: bytes, name: bytes, offset: int, written: bytes) -> bytes:
    """Other bytes behind the first of these names."""
    at = content.index(name) + len(name) + offset
    return content[:at] + written + content[at + len(written) :]


def apng(declared: int, frames: list[Frame], *, order: int = 1, rate: tuple[int, int] = (1, 25)) -> bytes:
    """A canvas of 64 x 64, then these frames; their sequence numbers go up by `order`."""
    chunks, number = [_chunk(b"acTL", struct.pack(">II", declared, 0))], 0
    chunks += [_control(0, (0, 0, SIDE, SIDE), rate), _chunk(b"IDAT", _zeros(SIDE * (SIDE * 3 + 1)))]
    for frame in frames:
        chunks.append(_control(number + order, frame, rate))
        number += 2 * order
        pixels = zlib.compress(bytes(min(2**16, frame[3] * (frame[2] * 3 + 1))))
        chunks.append(_chunk(b"fdAT", struct.pack(">I", number % 2**32) + pixels))
    return _png(SIDE, SIDE, *chunks)


def _control(number: int, frame: Frame, rate: tuple[int, int]) -> bytes:
    left, top, width, height = frame
    return _chunk(b"fcTL", struct.pack(">IIIIIHHBB", number % 2**32, width, height, left, top, *rate, 1, 1))


SMALL = (1, 1, 2, 2)


def apng_of_missing_frames() -> bytes:
    return apng(2**31 - 1, [SMALL] * 2)


def apng_of_no_frames() -> bytes:
    return apng(0, [SMALL] * 2)


def apng_with_a_frame_outside() -> bytes:
    return apng(2, [(60, 60, 64, 64)])


def apng_with_the_largest_frame() -> bytes:
    return apng(2, [(0, 0, 2**31 - 1, 2**31 - 1)])


def apng_with_a_frame_of_nothing() -> bytes:
    return apng(2, [(0, 0, 0, 0)])


def apng_in_disorder() -> bytes:
    return apng(3, [SMALL] * 2, order=-1)


def apng_of_days() -> bytes:
    return apng(900, [SMALL] * 899, rate=(65_535, 1))


def apng_with_a_frame_that_unpacks() -> bytes:
    """A frame of four pixels that unpacks to 256 MB."""
    head = _chunk(b"acTL", struct.pack(">II", 2, 0)) + _control(0, (0, 0, SIDE, SIDE), (1, 25))
    first = _chunk(b"IDAT", _zeros(SIDE * (SIDE * 3 + 1)))
    second = _control(1, SMALL, (1, 25)) + _chunk(b"fdAT", struct.pack(">I", 2) + _zeros(2**28))
    return _png(SIDE, SIDE, head, first, second)


def apng_without_its_picture() -> bytes:
    return apng(3, [SMALL] * 2).replace(b"IDAT", b"IDAU", 1)


def webp(canvas: tuple[int, int], frames: list[Frame], milliseconds: int = 40, around: bytes = b"") -> bytes:
    """`around`: chunks before the frames. Each frame has 64 x 64 pixels, whatever is said of it."""
    picture = saved("WEBP", lossless=True)[12:]
    width, height = (side - 1 for side in canvas)
    head = _riff(b"VP8X", b"\2\0\0\0" + _three(width) + _three(height)) + _riff(b"ANIM", bytes(6)) + around
    return _riff(b"RIFF", b"WEBP" + head + b"".join(_webp_frame(frame, milliseconds, picture) for frame in frames))


def _webp_frame(frame: Frame, milliseconds: int, picture: bytes) -> bytes:
    left, top, width, height = frame
    place = _three(left // 2) + _three(top // 2) + _three(width - 1) + _three(height - 1)
    return _riff(b"ANMF", place + _three(milliseconds) + b"\0" + picture)


def _three(number: int) -> bytes:
    return (number % 2**24).to_bytes(3, "little")


WHOLE = (0, 0, SIDE, SIDE)


def webp_on_a_smaller_canvas() -> bytes:
    return webp((1, 1), [WHOLE] * 3)


def webp_with_a_frame_outside() -> bytes:
    return webp((SIDE, SIDE), [WHOLE, (2**24, 2**24, SIDE, SIDE)])


def webp_with_frames_said_to_be_large() -> bytes:
    return webp((16_383, 16_383), [(0, 0, 16_383, 16_383)])


def webp_with_frames_said_to_be_small() -> bytes:
    return webp((SIDE, SIDE), [(0, 0, 1, 1)] * 3)


def webp_of_days() -> bytes:
    return webp((SIDE, SIDE), [WHOLE] * 900, milliseconds=2**24 - 1)


def webp_of_no_frames() -> bytes:
    return webp((SIDE, SIDE), [])


def webp_with_frames_in_frames() -> bytes:
    inner = _webp_frame(WHOLE, 40, saved("WEBP", lossless=True)[12:])
    for _ in range(200):
        inner = _webp_frame(WHOLE, 40, inner)
    return webp((SIDE, SIDE), [WHOLE], around=inner)


def webp_said_to_be_longer() -> bytes:
    return patched(webp((SIDE, SIDE), [WHOLE] * 3), b"RIFF", 0, struct.pack("<I", MOST))


def webp_said_to_be_shorter() -> bytes:
    return patched(webp((SIDE, SIDE), [WHOLE] * 3), b"RIFF", 0, struct.pack("<I", 60))


def gif(frames: list[Frame], canvas: tuple[int, int] = (SIDE, SIDE), least_bits: int = 2) -> bytes:
    """Each frame has the codes of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x80, 0, 0) + bytes(3) + b"\xff\xff\xff"
    made = [b"\x2c" + struct.pack("<HHHHB", *frame, 0) + bytes([least_bits]) + b"\2\x44\1\0" for frame in frames]
    return head + b"".join(b"\x21\xf9\4\0\4\0\0\0" + frame for frame in made) + b"\x3b"


def gif_with_a_frame_outside() -> bytes:
    return gif([(0, 0, 1, 1), (65_535, 65_535, 1, 1)])


def gif_with_the_largest_frame() -> bytes:
    return gif([(0, 0, 1, 1), (0, 0, 65_535, 65_535)])


def gif_with_frames_of_nothing() -> bytes:
    return gif([(0, 0, 0, 0)] * 3, canvas=(0, 0))


def gif_with_long_codes() -> bytes:
    return gif([(0, 0, SIDE, SIDE)] * 2, least_bits=255)


def mpo(position: int, written: bytes) -> bytes:
    """Two pictures; other bytes at a place of the list of both (big-endian or little-endian: both are tried)."""
    content = saved("MPO", 2)
    return patched(content, b"MPF\0", position, written)


# In the list that Pillow writes: 8 bytes of a head, then three fields of 12 bytes after their number, an offset, and
# for each picture its attributes, size, offset and two others: 4, 4, 4, 2 and 2 bytes.
_COUNT_OF_PICTURES, _LIST = 8 + 2 + 12 + 8, 8 + 2 + 3 * 12 + 4
_SECOND = _LIST + 16


def mpo_of_65_000_pictures() -> bytes:
    return mpo(_COUNT_OF_PICTURES, b"\xe8\xfd\0\0")


def mpo_with_a_picture_after_the_end() -> bytes:
    return mpo(_SECOND + 8, b"\xff\xff\xff\x7f")


def mpo_with_a_picture_before_the_start() -> bytes:
    return mpo(_SECOND + 8, b"\xff\xff\xff\xff")


def mpo_with_itself() -> bytes:
    return mpo(_SECOND + 8, bytes(4))


def mpo_with_a_picture_of_4_gb() -> bytes:
    return mpo(_SECOND + 4, b"\xff\xff\xff\xff")


def mpo_with_a_list_elsewhere() -> bytes:
    return mpo(4, b"\xff\xff\xff\xf0")


def sequence(name: bytes, offset: int, *numbers: int) -> bytes:
    """An AVIF of four frames; other numbers behind the name of a box of its index."""
    made = saved("AVIF", 4, duration=90, max_threads=1)
    return patched(made, name, offset, struct.pack(f">{len(numbers)}I", *numbers))


def avif_of_a_thousand_million_frames() -> bytes:
    return sequence(b"stts", 8, 2**30, 1)


def avif_of_years() -> bytes:
    return sequence(b"stts", 8, 4, MOST)


def avif_of_no_time() -> bytes:
    return sequence(b"mdhd", 20, 0)


def avif_of_4_gb_frames() -> bytes:
    return sequence(b"stsz", 4, MOST, 4)


def avif_of_a_thousand_million_sizes() -> bytes:
    return sequence(b"stsz", 4, 0, 2**30)


def avif_after_the_end() -> bytes:
    return sequence(b"stco", 8, MOST)


def avif_of_many_chunks() -> bytes:
    return sequence(b"stsc", 4, 2**30, 1, 2**30)


FRAMES: tuple[Callable[[], bytes], ...] = (
    apng_of_missing_frames, apng_of_no_frames, apng_with_a_frame_outside, apng_with_the_largest_frame,
    apng_with_a_frame_of_nothing, apng_in_disorder, apng_of_days, apng_with_a_frame_that_unpacks,
    apng_without_its_picture, webp_on_a_smaller_canvas, webp_with_a_frame_outside, webp_with_frames_said_to_be_large,
    webp_with_frames_said_to_be_small, webp_of_days, webp_of_no_frames, webp_with_frames_in_frames,
    webp_said_to_be_longer, webp_said_to_be_shorter, gif_with_a_frame_outside, gif_with_the_largest_frame,
    gif_with_frames_of_nothing, gif_with_long_codes, mpo_of_65_000_pictures, mpo_with_a_picture_after_the_end,
    mpo_with_a_picture_before_the_start, mpo_with_itself, mpo_with_a_picture_of_4_gb, mpo_with_a_list_elsewhere,
    avif_of_a_thousand_million_frames, avif_of_years, avif_of_no_time, avif_of_4_gb_frames,
    avif_of_a_thousand_million_sizes, avif_after_the_end, avif_of_many_chunks,
)  # fmt: skip

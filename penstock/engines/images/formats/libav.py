"""Decode the only frame of a still image by one forced decoder of libav."""

from typing import Any

from penstock.domain import errors

_PADDING = 128


def decoded_frame(codec: str, data: bytes, size: tuple[int, int]) -> Any:
    """The frame in `data`, which is one packet. `size`, in pixels, is what the header declares; no more is allocated.

    Raises `ValueError` for damage and for a frame of another size, and `InputUnreadable` for what libav does not
    implement, such as subsampled channels of an OpenEXR."""
    import av  # noqa: PLC0415 - a child process that only reads what Pillow does starts without it

    return frame_of(av.CodecContext.create(codec, "r"), data, size)


def frame_of(context: Any, data: bytes, size: tuple[int, int]) -> Any:
    """As `decoded_frame`, by a decoder that is not open yet."""
    import av.error  # noqa: PLC0415

    context.thread_count = 1
    # libav counts padded lines.
    context.options = {"err_detect": "explode", "max_pixels": str((size[0] + _PADDING) * size[1])}
    try:
        frames = context.decode(av.Packet(data)) or context.decode(None)
    except av.error.PatchWelcomeError as error:  # no ValueError, unlike others of PyAV
        raise errors.InputUnreadable("The input needs what its decoder does not support.", detail=str(error)) from error
    if not frames or (frames[0].width, frames[0].height) != size:
        raise ValueError("the decoder gave no image of the declared size")
    return frames[0]

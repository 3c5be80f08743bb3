"""Audio without a container, known by its frames: AAC and MPEG audio."""

# Junk that may come before the first frame.
PADDING_BYTES = 4096
# By MPEG-1 or MPEG-2/2.5, then layer (ISO/IEC 11172-3 §2.4.2.3, 13818-3).
_KBPS = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HERTZ = (44_100, 48_000, 32_000)
_CONTAINERS = {1: "mp2", 2: "mp2", 3: "mp3"}


def adts(head: bytes) -> str | None:
    """AAC by the header of its first frame (ISO/IEC 13818-7 §6.2), after which another one begins."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    follows = head[length : length + 2]
    return "aac" if length > 7 and (not follows or (follows[0] == 0xFF and follows[1:] == head[1:2])) else None


def mpeg_audio(head: bytes) -> str | None:
    """Consecutive MPEG audio frames: two at the start of the file, three after junk or of layers I and II, which are
    only read from the start. Fewer may be a coincidence."""
    starts = (offset for offset in range(min(len(head), PADDING_BYTES)) if head[offset] == 0xFF)
    for offset in starts:
        layer = 4 - (head[offset + 1 : offset + 2] or b"\0")[0] // 2 % 4
        if (layer == 3 or not offset) and _has_frames(head, offset, layer):
            return _CONTAINERS[layer]
    return None


def _has_frames(head: bytes, offset: int, layer: int) -> bool:
    """A file that ends before may have one frame at its start, or two of layers I and II: text in UTF-16 begins like
    one. After junk it may not: compressed files and text have such bytes anywhere."""
    count, least = (3, 3) if offset else (2, 1) if layer == 3 else (3, 2)
    for number in range(1, count + 1):
        length = _mpeg_frame_bytes(head[offset : offset + 4], layer)
        if length is None:
            return False
        offset += length
        if offset + 4 > len(head):
            return number >= least
    return True


def _mpeg_frame_bytes(header: bytes, layer: int) -> int | None:
    """The length of a frame of this layer by its header; None if it is no such header."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE0 | 4 - layer << 1 or layer > 3:
        return None
    version, bitrate, sample_rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or bitrate in (0, 15) or sample_rate == 3:
        return None
    hertz = _HERTZ[sample_rate] // {3: 1, 2: 2, 0: 4}[version]
    bits = 1000 * _KBPS[version == 3, layer][bitrate]
    padding = header[2] >> 1 & 1
    if layer == 1:
        return 4 * (12 * bits // hertz + padding)
    return (144 if version == 3 or layer == 2 else 72) * bits // hertz + padding

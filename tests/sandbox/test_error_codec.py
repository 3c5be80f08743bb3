"""Whatever a child writes, its parent gets one of our values or one of our errors."""

import json
from dataclasses import asdict, replace

import pytest
from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.media import AudioStream, ImageFacts, Media, Size, VideoStream
from penstock.engines.probing.media_limits import MAX_SIDE_PIXELS, checked_media
from penstock.sandbox.error_codec import CHILD_ERRORS, InvalidResult, ResultDecoder, encoded_error

MEDIA = Media(
    kind="video",
    container="mp4",
    filesize=1000,
    duration=1.0,
    video=VideoStream(0, "h264", Size(64, 48), Size(64, 48), "yuv420p", duration=1.0),
    audio=AudioStream(1, "aac", 2, 48_000),
)
DECODER = ResultDecoder(TypeAdapter(Media))


def encoded(value: object) -> bytes:
    return json.dumps({"value": value}, default=str).encode()


def video_result(**video: object) -> bytes:
    fields = asdict(MEDIA)
    fields["video"] |= video
    return encoded(fields)


def test_facts_are_decoded_as_they_were_encoded():
    assert DECODER.decode(video_result()) == MEDIA


@pytest.mark.parametrize(
    "result",
    [
        b"", b"{", b"null", b"[]", b"3", b'"value"', b"{}", b'{"value": null}', b'{"value": []}', b"\xff",
        b"[" * 100_000, b'{"value":' * 50 + b"1" + b"}" * 50, b'{"value": ' + b"9" * 5000 + b"}",
        b'{"error": null}', b'{"error": {}}', b'{"error": []}', b'{"error": {"name": ["x"]}}',
        b'{"error": {"name": "MediaError", "message": "", "detail": ""}}',
        b'{"error": {"name": "Superseded", "message": "", "detail": ""}}',
        b'{"error": {"name": "Cancelled", "message": "", "detail": ""}}',
        b'{"error": {"name": "WorkerLost", "message": "", "detail": ""}}',
        b'{"error": {"name": "InvalidRequest", "message": "", "detail": ""}}',
        video_result(duration=float("nan")), video_result(duration=float("inf")), video_result(frames=2**63),
        video_result(bitrate=1e300), video_result(tag="a\0b"), video_result(tag="x" * 5000),
        video_result(codec="\ud800"), video_result(sar="1/0"), video_result(sar="1e999999999"),
        video_result(sar=None), video_result(shown={"width": 1}), video_result(index="first"),
    ],
)  # fmt: skip
def test_a_result_that_no_function_of_ours_returns_is_invalid(result: bytes):
    with pytest.raises(InvalidResult):
        DECODER.decode(result)


@pytest.mark.parametrize("kind", CHILD_ERRORS.values())
def test_an_error_keeps_its_class_and_message(kind: type[errors.MediaError]):
    result = json.dumps(encoded_error(kind("It is so.", detail="because"))).encode()

    with pytest.raises(kind, match=r"It is so\.") as refused:
        DECODER.decode(result)
    assert (type(refused.value), refused.value.detail) == (kind, "because")


def test_the_message_of_an_error_is_shortened_and_printable():
    result = {"error": {"name": "InputUnreadable", "message": "a\n\x1b[2J" + "b" * 10_000, "detail": "c" * 10_000}}

    with pytest.raises(errors.InputUnreadable) as refused:
        DECODER.decode(json.dumps(result).encode())
    assert refused.value.message.isprintable()
    assert len(refused.value.message) <= 500


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"video": replace(MEDIA.video, shown=Size(2 * 10**12, 48))}, errors.InputLimitsExceeded),
        ({"video": replace(MEDIA.video, coded=Size(64, 0))}, errors.InputLimitsExceeded),
        ({"video": replace(MEDIA.video, coded=Size(64, -5))}, errors.InputLimitsExceeded),
        ({"image": ImageFacts(Size(MAX_SIDE_PIXELS + 1, 1), "RGB")}, errors.InputLimitsExceeded),
        ({"video": replace(MEDIA.video, fps=1e6)}, errors.InputLimitsExceeded),
        ({"video": replace(MEDIA.video, frames=2**40)}, errors.InputLimitsExceeded),
        ({"audio": replace(MEDIA.audio, channels=1000)}, errors.InputLimitsExceeded),
        ({"duration": 1e9}, errors.InputLimitsExceeded),
        ({"duration": float("nan")}, errors.InputLimitsExceeded),
        ({"duration": -1.0}, errors.InputUnreadable),
        ({"header_duration": -1.0}, errors.InputUnreadable),
        ({"video": replace(MEDIA.video, duration=-1.0)}, errors.InputUnreadable),
    ],
)
def test_facts_outside_their_limits_are_rejected(changed: dict, refusal: type[errors.MediaError]):
    with pytest.raises(refusal):
        checked_media(replace(MEDIA, **changed), Limits())

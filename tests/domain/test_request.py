"""What a request accepts, and which violations it reports."""

import pytest

from penstock.domain import errors
from penstock.domain.formats import FORMATS, KINDS, formats_of
from penstock.domain.request import SourceRequest, parse_request

VIDEO = {"url": "https://example.com/a", "kind": "video", "format": "mp4"}
AUDIO = VIDEO | {"kind": "audio", "format": "mp3"}
IMAGE = VIDEO | {"kind": "image", "format": "webp"}


def wrong(body: object) -> list[tuple[str, str | None]]:
    with pytest.raises(errors.InvalidRequest) as refused:
        parse_request(body)
    return [(violation.code, violation.field) for violation in refused.value.violations]


def test_defaults_are_filled_in():
    request = parse_request(VIDEO)

    assert (request.fit, request.background, request.quality, request.at) == ("contain", "#ffffff", 0.8, "auto")
    assert (request.width, request.height, request.start, request.end) == (None, None, None, None)
    assert (request.on_upscale, request.fresh, request.webhook_url) == ("refuse", False, None)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_of_a_kind_is_accepted(kind: str):
    for name in formats_of(kind):
        assert parse_request(VIDEO | {"kind": kind, "format": name}).format == name


@pytest.mark.parametrize("kind", KINDS)
def test_formats_of_another_kind_are_rejected(kind: str):
    for name in set(FORMATS) - set(formats_of(kind)):
        assert wrong(VIDEO | {"kind": kind, "format": name}) == [("format_unsupported", "format")]


def test_jpg_is_jpeg():
    assert parse_request(IMAGE | {"format": "jpg"}).format == "jpeg"


def test_med_is_a_synonym_of_file():
    asked = {"file_id": "med_abcdefgh12345678", "kind": "video", "format": "mp4"}

    assert parse_request(asked).input == "file_abcdefgh12345678"
    assert parse_request(asked) == parse_request(asked | {"file_id": "file_abcdefgh12345678"})


@pytest.mark.parametrize("sound", [640, 640.0])
def test_a_size_may_be_640_or_640_point_0(sound: float):
    assert parse_request(VIDEO | {"width": sound}).width == 640


@pytest.mark.parametrize("unsound", ["640", 640.5, 0, -1, True, [], 2**31, float("inf")])
def test_other_sizes_are_rejected(unsound: object):
    assert wrong(VIDEO | {"width": unsound}) == [("field_invalid", "width")]


@pytest.mark.parametrize("field", ["width", "height"])
def test_the_message_for_a_size_names_its_range(field: str):
    with pytest.raises(errors.InvalidRequest) as refused:
        parse_request(VIDEO | {field: 2**31})

    assert refused.value.message == f"{field} must be a whole number of pixels from 1 to 2,147,483,647."


@pytest.mark.parametrize("unsound", [-0.1, 1.1, "0.5", True, float("nan")])
def test_quality_is_a_number_from_0_to_1(unsound: object):
    assert wrong(VIDEO | {"quality": unsound}) == [("field_invalid", "quality")]


@pytest.mark.parametrize("unsound", ["#fff", "white", "#gggggg", 0])
def test_a_background_is_a_colour(unsound: object):
    assert wrong(VIDEO | {"background": unsound}) == [("field_invalid", "background")]


def test_null_means_that_a_field_was_left_out():
    nothing = dict.fromkeys(("width", "fit", "quality", "start", "at", "webhook_url", "fresh"))

    assert parse_request(VIDEO | nothing) == parse_request(VIDEO)


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_a_body_that_is_no_object_is_rejected(body: object):
    with pytest.raises(errors.BodyInvalid):
        parse_request(body)


def test_exactly_one_of_url_and_file_id_is_required():
    assert wrong({"kind": "video", "format": "mp4"}) == [("field_required", "url")]
    assert wrong(VIDEO | {"file_id": "file_abcdefgh12345678"}) == [("input_ambiguous", "url")]


def test_every_violation_is_reported_at_once():
    found = wrong({"kind": "film", "format": "mkv", "width": "1", "colour": "red"})

    assert set(found) == {
        ("field_invalid", "kind"),
        ("format_unsupported", "format"),
        ("field_invalid", "width"),
        ("field_unknown", "colour"),
        ("field_required", "url"),
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (AUDIO | {"width": 2}, "width"),
        (AUDIO | {"height": 2}, "height"),
        (AUDIO | {"fit": "pad"}, "fit"),
        (AUDIO | {"background": "#000000"}, "background"),
        (AUDIO | {"on_upscale": "clamp"}, "on_upscale"),
        (AUDIO | {"at": 1}, "at"),
        (VIDEO | {"at": 1}, "at"),
        (IMAGE | {"format": "jpeg", "start": 1}, "start"),
        (IMAGE | {"format": "png", "end": 1}, "end"),
    ],
)
def test_a_field_that_does_not_apply_is_rejected(body: dict, field: str):
    assert wrong(body) == [("field_invalid", field)]


def test_outputs_with_a_duration_may_be_cut():
    for body in (VIDEO, AUDIO, IMAGE | {"format": "gif"}):
        assert parse_request(body | {"start": 1, "end": 2.5}).end == 2.5


def test_the_end_must_be_after_the_start():
    assert wrong(VIDEO | {"start": 2, "end": 2}) == [("field_invalid", "end")]
    assert wrong(VIDEO | {"end": 0}) == [("field_invalid", "end")]


@pytest.mark.parametrize(
    "same",
    [
        {"quality": 0.8}, {"fit": "contain"}, {"background": "#FFFFFF"}, {"start": 0}, {"fresh": True},
        {"webhook_url": "https://example.com/hook"}, {"on_upscale": "refuse"},
    ],
)  # fmt: skip
def test_the_same_request_has_the_same_fingerprint(same: dict):
    assert parse_request(VIDEO | same).fingerprint() == parse_request(VIDEO).fingerprint()


@pytest.mark.parametrize(
    "other", [{"quality": 0.81}, {"width": 2}, {"format": "webm"}, {"url": "https://example.com/b"}, {"end": 1}]
)
def test_a_different_request_has_a_different_fingerprint(other: dict):
    assert parse_request(VIDEO | other).fingerprint() != parse_request(VIDEO).fingerprint()


def test_an_inconsistent_request_cannot_be_constructed():
    with pytest.raises(ValueError, match="not a format of kind"):
        SourceRequest.model_validate(VIDEO | {"format": "mp3"})


@pytest.mark.parametrize("url", ["", "http://a b", "http://a\x00b", "http://a\nb", "x" * 2049, 3])
def test_a_url_has_no_spaces(url: object):
    assert wrong(VIDEO | {"url": url}) == [("field_invalid", "url")]


@pytest.mark.parametrize(
    ("kind", "choice"),
    [
        ("image", "jpeg, png, webp, gif"),
        ("audio", "mp3, wav, ogg, flac"),
        ("film", "mp4, webm, mov, avi, mp3, wav, ogg, flac, jpeg, png, webp, gif"),
        (["image"], "mp4, webm, mov, avi, mp3, wav, ogg, flac, jpeg, png, webp, gif"),
    ],
)
def test_the_error_for_an_unknown_format_lists_those_of_the_kind(kind, choice):
    with pytest.raises(errors.InvalidRequest) as refused:
        parse_request({"url": "https://example.com/a", "kind": kind, "format": "tiff"})

    [told] = [one.message for one in refused.value.violations if one.field == "format"]
    assert told == f"format must be one of {choice}."

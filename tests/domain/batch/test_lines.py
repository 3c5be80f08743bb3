"""The request of one line."""

import pytest

from penstock.domain import errors
from penstock.domain.batch.lines import LineRequest, line_request, stored_request
from penstock.domain.request import SourceRequest, parse_request

DEFAULTS = {"kind": "image", "format": "webp", "width": 640}
FILE, OUTPUT = "file:///in/a.jpg", "file:///out/a.webp"


def test_the_fields_of_a_line_replace_the_defaults():
    request = line_request(DEFAULTS, {"width": 320, "quality": 0.5}, FILE, OUTPUT)

    assert (request.url, request.destination, request.width, request.quality) == (FILE, OUTPUT, 320, 0.5)


def test_null_takes_a_default_away():
    assert line_request(DEFAULTS, {"width": None}, FILE, OUTPUT).width is None


def test_an_uploaded_file_may_be_the_input():
    assert line_request(DEFAULTS, {"file_id": "file_abcdefgh12345678"}, None, None).input == "file_abcdefgh12345678"


def test_every_violation_of_a_line_is_told():
    with pytest.raises(errors.InvalidRequest) as refused:
        line_request(DEFAULTS, {"width": "x", "hight": 1}, FILE, "")

    found = {(violation.code, violation.field) for violation in refused.value.violations}
    assert found == {("field_invalid", "width"), ("field_unknown", "hight"), ("field_invalid", "destination")}


def test_an_unknown_field_is_told_with_a_similar_one():
    with pytest.raises(errors.InvalidRequest, match=r"hight is not a field of this request; did you mean height\?"):
        line_request(DEFAULTS, {"hight": 1}, FILE, None)


def test_the_address_of_a_line_may_be_long():
    assert line_request(DEFAULTS, {}, "file:///" + "a" * 8000, None)
    with pytest.raises(errors.InvalidRequest, match="at most 8,192 characters"):
        line_request(DEFAULTS, {}, "file:///" + "a" * 8190, None)


def test_the_destination_is_part_of_what_makes_two_lines_equal():
    first, second = (line_request(DEFAULTS, {}, FILE, output) for output in (OUTPUT, OUTPUT + "2"))

    assert first.fingerprint() != second.fingerprint()
    assert first.fingerprint() == line_request(DEFAULTS, {}, FILE, OUTPUT).fingerprint()


def test_without_a_destination_a_line_is_the_same_as_a_single_request():
    body = DEFAULTS | {"url": "https://example.com/a.jpg"}

    assert line_request(body, {}, None, None).fingerprint() == parse_request(body).fingerprint()


def test_a_single_request_has_no_destination():
    with pytest.raises(errors.InvalidRequest, match="destination is not a field"):
        parse_request(DEFAULTS | {"url": FILE, "destination": OUTPUT})


@pytest.mark.parametrize(
    ("url", "destination", "batch", "kind"),
    [
        ("https://example.com/a", None, None, SourceRequest),
        ("https://example.com/a", None, "bat_1", LineRequest),
        ("https://example.com/a", OUTPUT, None, LineRequest),
        (FILE, None, "bat_1", LineRequest),
        (FILE, OUTPUT, "bat_1", LineRequest),
        (FILE, None, None, SourceRequest),
    ],
)
def test_a_stored_request_is_a_line_only_if_a_batch_made_it(url, destination, batch, kind):
    request = line_request(DEFAULTS, {}, url, destination)
    loaded = stored_request(request.model_dump(mode="json", exclude_defaults=True), batch)

    assert (type(loaded), loaded.fingerprint()) == (kind, request.fingerprint())

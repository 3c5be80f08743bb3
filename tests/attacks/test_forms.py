"""A form is read the same however it arrives, and one that is none raises an error of ours."""

import contextlib
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from penstock.api.bodies.multipart import FileForm
from penstock.domain import errors
from tests.attacks.generated import generated

BOUNDARY = b"xYzZy42"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY.decode()}"
# Bytes that look like the end of a part are what parsers get wrong.
pieces = st.lists(
    st.one_of(st.sampled_from([b"\r\n", b"--", b"\r\n--", BOUNDARY[:-1], b"\r", b"\n", b"-"]), st.binary(max_size=8)),
    max_size=20,
)
contents = pieces.map(b"".join).filter(lambda content: b"--" + BOUNDARY not in content)
cuts = st.lists(st.integers(0, 400), max_size=12)


def form_of(before, content, after):
    """A form of three fields; the second is the file."""
    parts = ((b'name="a"', before), (b'name="file"; filename="b.png"', content), (b'name="c"', after))
    head = b"--" + BOUNDARY + b"\r\nContent-Disposition: form-data; "
    return b"".join(head + name + b"\r\n\r\n" + value + b"\r\n" for name, value in parts) + b"--" + BOUNDARY + b"--\r\n"


def read(form, cuts):
    places = sorted({0, len(form), *(cut for cut in cuts if cut < len(form))})
    reading = FileForm(CONTENT_TYPE)
    blocks = [block for start, end in pairwise(places) for block in reading.feed(form[start:end])]
    reading.require_complete()
    return b"".join(blocks), reading.declared.name


@generated
@given(contents, contents, contents, cuts)
def test_the_file_of_a_form_is_the_same_however_the_form_is_cut(before, content, after, cuts):
    assert read(form_of(before, content, after), cuts) == (content, "b.png")


@generated
@given(contents, cuts, st.integers(1, 12))
def test_a_form_without_its_end_is_incomplete(content, cuts, missing):
    whole = form_of(b"", content, b"")
    with contextlib.suppress(errors.BodyInvalid):
        read(whole[: -missing - len(BOUNDARY)], cuts)
        raise AssertionError("it was taken for a complete form")


@generated
@given(st.text(st.characters(max_codepoint=255), max_size=60), pieces)
def test_any_bytes_under_any_type_are_a_form_or_an_error_of_ours(kind, sent):
    for content_type in (kind, f"multipart/form-data; boundary={kind}", CONTENT_TYPE):
        with contextlib.suppress(errors.MediaError):
            form = FileForm(content_type)
            for piece in (b"--" + BOUNDARY + b"\r\n", *sent):
                form.feed(piece)
            form.require_complete()

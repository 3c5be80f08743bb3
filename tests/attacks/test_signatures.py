"""What a file is, is decided by its bytes: text is no media, and no bytes raise another error than ours."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain import errors
from penstock.domain.planning.matrix import CONTAINERS
from penstock.engines.probing.signatures import _IFF_FORMS, _PREFIXES, READERS, sniff, sniff_bytes
from tests.attacks.generated import generated

SCRIPTS = [
    "#EXTM3U\n", "ffconcat version 1.0\n", "<?xml version='1.0'?><MPD>", "<svg ", "<!DOCTYPE svg",
    "%!PS-Adobe-3.0 EPSF",
    "push graphic-context\n", "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "WEBVTT\n\n", "[Script Info]\n", "[Event]\n",
    "1\n00:00",
    "# VobSub index file, v7\n", "#!/bin/sh\n", "SBG\n", "; comment\n", "[playlist]\n", "id=1\n", "<smil>",
    "ID;PWXL;N;E\n",
    "viewbox 0 0 1 1\n", "RIFF list of things ", "FORM letters ", "BMovie", "PK\x03\x04", "8BPS\0\1", "\x1f\x8b\x08",
]  # fmt: skip
HEADS = [prefix for prefix, _ in _PREFIXES]
HEADS += [form + b"\0\0\1\0" + kind for form, kinds in _IFF_FORMS.items() for kind in kinds]
HEADS += [
    b"\0\0\0\x20ftyp",
    b"\x1aE\xdf\xa3",
    b"BM" + bytes(12),
    b"ID3\4\0\0\0\0\1\0",
    b"G" + bytes(187),
    b"\xff\xfb\x90\0",
    b"",
]
bytes_after_a_head = st.tuples(st.sampled_from(HEADS), st.binary(max_size=300)).map(b"".join)


@generated
@given(st.sampled_from(["", "\ufeff", " ", "\n\n", "\r\n"]), st.sampled_from(SCRIPTS), st.text(max_size=200))
def test_no_text_is_media(before, script, after):
    with pytest.raises(errors.InputUnreadable):
        sniff_bytes((before + script + after).encode())


@generated
@given(bytes_after_a_head)
def test_any_bytes_are_a_known_container_or_unreadable(head):
    with contextlib.suppress(errors.InputUnreadable):
        found = sniff_bytes(head)
        assert found.container in CONTAINERS
        assert (found.reader, found.format_name) == READERS[found.container]


@generated
@given(bytes_after_a_head.filter(lambda head: not head.startswith(b"ID3")))
def test_a_file_is_what_its_first_bytes_are(tmp_path_factory, head):
    path = tmp_path_factory.getbasetemp() / "sniffed"
    path.write_bytes(head)
    assert outcome(lambda: sniff(path)) == outcome(lambda: sniff_bytes(head))


def outcome(look):
    try:
        return look()
    except errors.InputUnreadable:
        return None

"""Which files are inputs by their names."""

import pytest

from penstock.domain.batch.media_names import NOT_MEDIA, kind_by_name, skip_reason


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/IMG_1.JPG", "image"), ("a.heic", "image"), ("a.webp", "image"), ("a.mkv", "video"), ("a.MOV", "video"),
        ("a.m2ts", "video"), ("a.flac", "audio"), ("a.mp3", "audio"), ("a.ogg", "audio"), ("a.txt", "other"),
        ("a.pdf", "other"), ("Thumbs.db", "other"), ("x/desktop.ini", "other"), ("a.jpg.gz", "other"),
        ("a.xmp", "other"),
        ("a.srt", "other"), ("a.dat", None), ("README", None), ("a.jpg/README", None), ("a.", None), ("jpg", None),
    ],
)  # fmt: skip
def test_the_extension_tells_the_kind(name, kind):
    assert kind_by_name(name) == kind


@pytest.mark.parametrize(
    ("name", "wanted", "reason"),
    [
        ("a.jpg", "image", None),
        ("a.dat", "image", None),
        ("a.mp4", "image", "a video by its name; name it with --glob to take a still image of it"),
        ("a.mp4", "audio", "a video by its name; name it with --glob to take its sound"),
        ("a.mp3", "image", "audio by its name, which cannot become an image"),
        ("a.jpg", "video", "an image by its name, which cannot become a video"),
        ("a.txt", "image", NOT_MEDIA),
    ],
)
def test_what_is_skipped_is_told_why(name, wanted, reason):
    assert skip_reason(name, wanted, has_glob=False) == reason


def test_what_a_glob_names_is_converted_if_it_is_media():
    assert skip_reason("a.mp4", "image", has_glob=True) is None
    assert skip_reason("a.dat", "image", has_glob=True) is None
    assert skip_reason("a.txt", "image", has_glob=True) == NOT_MEDIA

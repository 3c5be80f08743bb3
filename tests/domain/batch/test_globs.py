"""Which names a pattern matches."""

import pytest

from penstock.domain import errors
from penstock.domain.batch.globs import parse_glob


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (None, "a.jpg"), (None, "a/b/c"), ("*.jpg", "a.jpg"), ("*.jpg", "2024/05/a.jpg"), ("*.jpg", "IMG_1.JPG"),
        ("*.{jpg,png}", "a/b.png"), ("2024/*.jpg", "2024/a.jpg"), ("2024/**/*.jpg", "2024/a.jpg"),
        ("2024/**/*.jpg", "2024/05/06/a.jpg"), ("2024/**", "2024/05/a"), ("**/raw/*", "x/y/raw/a"), ("**", "a/b"),
        ("a?c", "abc"), ("[ab].jpg", "x/b.jpg"), ("[!a].jpg", "b.jpg"), (".hidden", ".hidden"), (".*", "a/.x"),
        (".cache/**", ".cache/a/b"), ("*", "new\nline"), ("*.jpg", "\udcff.jpg"), ("./a/*", "a/b"), ("a b*", "a b.jpg"),
        ("{a,b}/{c,d}.jpg", "b/d.jpg"), ("*.jpg", "-.jpg"),
    ],
)  # fmt: skip
def test_a_pattern_matches(pattern, name):
    assert parse_glob(pattern).matches(name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (None, ".hidden"), (None, ".git/config"), (None, "a/.b/c"), ("*.jpg", ".a.jpg"), ("*.jpg", "a.jpg.txt"),
        ("*.jpg", ".thumbs/a.jpg"), ("2024/*.jpg", "2024/05/a.jpg"), ("2024/*.jpg", "x/2024/a.jpg"), ("a?c", "a/c"),
        ("2024/**", "2024"), ("*.jpg", "ajpg"), ("**/*.jpg", ".x/a.jpg"), ("a.jpg/*", "a.jpg"),
    ],
)  # fmt: skip
def test_a_pattern_does_not_match(pattern, name):
    assert not parse_glob(pattern).matches(name)


@pytest.mark.parametrize("wrong", ["/", ".", "{a,b}" * 5, "{" + "," * 300 + "}"])
def test_a_pattern_that_is_none_is_refused(wrong):
    with pytest.raises(errors.FieldInvalid, match="must be a pattern like"):
        parse_glob(wrong)


def test_a_pattern_of_many_stars_is_decided_at_once():
    assert not parse_glob("*a" * 30 + "b").matches("a" * 255)


def test_hidden_folders_are_entered_for_patterns_that_name_them():
    assert parse_glob(".cache/*.jpg").enters_hidden
    assert not parse_glob("*.jpg").enters_hidden
    assert not parse_glob(".hidden.jpg").enters_hidden

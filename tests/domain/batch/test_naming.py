"""Names of outputs."""

import pytest

from penstock.domain import errors
from penstock.domain.batch.lines import line_request
from penstock.domain.batch.naming import DEFAULT_TEMPLATE, checked_output_name, next_free_name, parse_template

REQUEST = line_request({"kind": "image", "format": "webp"}, {"width": 320}, "file:///in/a.jpg", None)


def named(template: str, name: str, number: int = 7) -> str:
    return parse_template(template).name_for(name, REQUEST, number)


@pytest.mark.parametrize(
    ("template", "name", "output"),
    [
        (DEFAULT_TEMPLATE, "2024/05/a.jpg", "2024/05/a.webp"),
        (DEFAULT_TEMPLATE, "a.jpg", "a.webp"),
        (DEFAULT_TEMPLATE, "a.tar.gz", "a.tar.webp"),
        (DEFAULT_TEMPLATE, "noextension", "noextension.webp"),
        (DEFAULT_TEMPLATE, "x/.hidden", "x/.hidden.webp"),
        (DEFAULT_TEMPLATE, "\udcff \n'\".jpg", "\udcff \n'\".webp"),
        (DEFAULT_TEMPLATE, "{stem}/-a.jpg", "{stem}/-a.webp"),
        ("{name}.{format}", "2024/a.jpg", "a.jpg.webp"),
        ("{kind}/{stem}-{width}x{height}-q{quality}.{ext}", "x/a.jpg", "image/a-320xauto-q0.8.jpg"),
        ("{number}.{format}", "x/a.jpg", "7.webp"),
        ("{dir}/small/{stem}.{format}", "a.jpg", "small/a.webp"),
    ],
)
def test_a_template_is_filled_in(template, name, output):
    assert named(template, name) == output


def test_an_unknown_placeholder_is_told_with_those_that_exist():
    with pytest.raises(errors.FieldInvalid) as refused:
        parse_template("{dir}/{stm}.{format}")

    assert refused.value.message == (
        "{stm} is not a placeholder; did you mean {stem}? There are {dir}, {stem}, {name}, {ext}, {format}, {kind}, "
        "{width}, {height}, {quality}, {number}."
    )


@pytest.mark.parametrize(
    "template", ["/abs/{stem}", "../{stem}", "a/../../{stem}", "", "/", "a\0b", ".penstock/{stem}"]
)
def test_a_template_stays_inside_the_destination(template):
    with pytest.raises(errors.FieldInvalid):
        parse_template(template)


@pytest.mark.parametrize(("template", "name"), [("{dir}/x", "../a"), ("{dir}/{stem}", ".penstock/a"), ("{stem}/", "a")])
def test_no_input_leads_out_of_the_destination(template, name):
    with pytest.raises(errors.FieldInvalid):
        named(template, name)


@pytest.mark.parametrize("stem", ["a" * 251, "ä" * 125 + "a", "日" * 83 + "ab", "\udcff" * 251])
def test_a_name_that_gets_too_long_is_cut_before_its_extension(stem):
    output = named(DEFAULT_TEMPLATE, f"x/{stem}.jpg")
    base = output.removeprefix("x/")

    assert base.endswith(".webp")
    assert 252 <= len(base.encode(errors="surrogateescape")) <= 255
    assert stem.startswith(base.removesuffix(".webp"))


def test_a_folder_that_gets_too_long_is_an_error():
    with pytest.raises(errors.FieldInvalid, match="255 bytes"):
        named("{dir}-small/{stem}.{format}", "a" * 255 + "/b.jpg")


@pytest.mark.parametrize("name", ["a/b.webp", "a//b.webp", "./a/b.webp"])
def test_a_name_of_a_manifest_is_a_relative_path(name):
    assert checked_output_name(name) == "a/b.webp"


@pytest.mark.parametrize("name", ["/a", "../a", "a/..", "a/", "a\0", "x" * 256, ".penstock/a", "", "."])
def test_other_names_of_a_manifest_are_refused(name):
    with pytest.raises(errors.FieldInvalid):
        checked_output_name(name)


def test_a_taken_name_gets_a_number():
    taken = {"x/a.webp", "x/a (2).webp", "x/b"}

    assert next_free_name("x/a.webp", taken.__contains__) == "x/a (3).webp"
    assert next_free_name("x/b", taken.__contains__) == "x/b (2)"
    assert next_free_name("x/c.webp", taken.__contains__) == "x/c.webp"


def test_a_long_taken_name_keeps_its_number_and_its_extension():
    name = "a" * 250 + ".webp"
    other = next_free_name(name, {name}.__contains__)

    assert (len(other), other[-9:]) == (255, " (2).webp")

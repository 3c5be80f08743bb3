"""What a manifest may hold, and what is told about a wrong one."""

import io
import json

import pytest

from penstock.domain import errors
from penstock.domain.batch.manifest import read_manifest
from penstock.domain.batch.manifest_text import MAX_LINE_BYTES


def lines(content: bytes | str, **limits):
    return list(read_manifest(io.BytesIO(content.encode() if isinstance(content, str) else content), **limits))


def fields(content: bytes | str):
    found = lines(content)
    assert [line.error for line in found] == [None] * len(found)
    return [dict(line.fields) for line in found]


def refused(content: bytes | str, **limits):
    with pytest.raises(errors.RequestError) as error:
        lines(content, **limits)
    return error.value


def faults(content: bytes | str):
    return [(line.number, line.error.code, line.error.message) for line in lines(content) if line.error]


CSV = "input,width,quality,fresh,at\n/in/a.jpg,640,0.8,TRUE,auto\n/in/b.jpg,,,,1.5\n"
READ = [
    {"input": "/in/a.jpg", "width": 640, "quality": 0.8, "fresh": True, "at": "auto"},
    {"input": "/in/b.jpg", "at": 1.5},
]


def test_cells_have_the_types_of_a_request_and_empty_ones_are_left_out():
    assert fields(CSV) == READ


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_line_end_delimiter_and_encoding_is_read_alike(end, delimiter, encoding):
    text = CSV.replace("/in/b", "/in/grüße").replace("\n", end).replace(",", delimiter)

    assert fields(text.encode(encoding)) == [READ[0], READ[1] | {"input": "/in/grüße.jpg"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_lines_are_read_alike_too(end, encoding):
    rows = [{"input": "/in/ä.jpg", "width": 640}, {"input": "/in/b.jpg", "quality": 0.5, "at": None}]
    text = end.join(json.dumps(row, ensure_ascii=False) for row in rows)

    assert fields(text.encode(encoding)) == [rows[0], {"input": "/in/b.jpg", "quality": 0.5}]


def test_a_number_with_a_decimal_comma_is_read_where_cells_end_with_semicolons():
    assert fields("input;quality\na;0,8") == [{"input": "a", "quality": 0.8}]


def test_what_is_no_number_stays_for_the_check_of_the_request():
    assert fields("input,width\na,wide") == [{"input": "a", "width": "wide"}]


@pytest.mark.parametrize("column", ["input", "url", "file_id", "INPUT", " input "])
def test_an_input_is_named_in_one_of_three_columns(column):
    assert fields(f"{column},\nx,") == [{column.strip().lower(): "x"}]


def test_a_line_of_a_large_file_has_the_number_that_an_editor_shows():
    found = lines("input\n\na\n\n\nb\n" + "c\n" * 40_000)

    assert [line.number for line in found[:3]] == [3, 6, 7]
    assert (len(found), found[-1].number) == (40_002, 40_006)


@pytest.mark.parametrize("gap", range(65_528, 65_540))
def test_a_line_end_between_two_blocks_of_a_file_is_one(gap):
    found = lines("input\r\n" + "\r\n".join(["x" * (gap - 9), "a", "b"]))

    assert [line.number for line in found] == [2, 3, 4]


def test_a_quoted_cell_may_hold_everything():
    assert fields('input,output\n"a, ""b""\n c",x\n d ,y') == [
        {"input": 'a, "b"\n c', "output": "x"},
        {"input": " d ", "output": "y"},
    ]


def test_a_wrong_line_is_told_and_the_others_are_read():
    found = lines('input,width\na,1\n"b,2\nc,3\nd,4,5\ne\n"f"x,6\ng,7\n')

    assert [line.fields.get("input") for line in found] == ["a", None, "c", None, None, None, "g"]
    assert [(line.number, line.error.message) for line in found if line.error] == [
        (3, "The line is no valid CSV: a quote is not closed or not doubled."),
        (5, "The line has 3 cells, the header has 2."),
        (6, "The line has 1 cells, the header has 2."),
        (7, "The line is no valid CSV: a quote is not closed or not doubled."),
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{broken", "field_invalid"),
        ('{"input": "a"', "field_invalid"),
        ("[" * 30_000, "field_invalid"),
        ("[1]", "field_invalid"),
        ("3", "field_invalid"),
        ('{"input": 3}', "field_invalid"),
        ('{"input": ""}', "field_invalid"),
        ('{"input": "a\\u0000"}', "field_invalid"),
        ('{"input": "\\ud800"}', "field_invalid"),
        ('{"input": "a", "output": ["x"]}', "field_invalid"),
        ('{"width": 3}', "field_required"),
        ('{"input": "a", "url": "b"}', "input_ambiguous"),
        ('{"input": "a", "widht": 3}', "field_unknown"),
        ('{"input": "a\x1b"}', "field_invalid"),
        ('{"input": "' + "x" * MAX_LINE_BYTES + '"}', "field_invalid"),
        ('{"input": "a", "width": ' + "1" * 5000 + "}", "field_invalid"),
    ],
)
def test_a_wrong_json_line_is_told_and_the_others_are_read(line, code):
    found = lines('{"input": "a"}\n' + line + '\n{"input": "b"}\n')

    assert [one.fields.get("input") for one in found] == ["a", None, "b"]
    assert (found[1].number, found[1].error.code) == (2, code)


def test_an_unknown_field_of_a_line_is_told_with_a_similar_one():
    assert faults('{"input": "a", "widht": 3}') == [
        (1, "field_unknown", "widht is not a field of this request; did you mean width?")
    ]


def test_an_unknown_column_is_told_once_for_the_whole_file():
    error = refused("input,widht\na,1\nb,2")

    assert (error.code, error.field) == ("field_unknown", "widht")
    assert error.message == "widht is not a field of this request; did you mean width?"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "The manifest is empty."),
        ("\n \n", "The manifest is empty."),
        ('[{"input": "a"}]', "The manifest must hold one JSON object on each line, no array."),
        ("/in/a.jpg\n/in/b.jpg\n", "The first line must name the columns: input, and what varies."),
        ("kind,format\nimage,webp", "The manifest needs a column input."),
        ("input,width,input\na,1,b", "The first line names a column twice."),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "The manifest is no text file: it must be CSV or JSON lines."),
        ("input\na\n".encode("utf-16-le"), "The manifest is no text file: it must be CSV or JSON lines."),
        ("input" * 20_000, f"The line has more than {MAX_LINE_BYTES:,} bytes."),
    ],
)
def test_what_is_no_manifest_is_told_once(content, message):
    assert refused(content).message == message


def test_more_lines_than_allowed_are_an_error_of_the_whole_file():
    assert refused("input\n" + "a\n" * 100_001).message == "The manifest has more than 100,000 lines."
    assert len(lines("input\n" + "a\n" * 3, max_lines=3)) == 3


def test_a_header_alone_is_a_manifest_without_lines():
    assert lines("input,width\n") == []


def test_columns_of_results_are_left_out():
    assert fields("input,width,status,task,reason\na,640,completed,tsk_1,x") == [{"input": "a", "width": 640}]
    assert fields('{"input": "a", "width": 640, "status": "failed", "bytes_in": 3}') == [{"input": "a", "width": 640}]


def test_a_line_is_read_before_the_file_ends():
    class Endless(io.RawIOBase):
        def read(self, _size=-1):
            return b"input\n" + b"a\n" * 1000

    assert next(read_manifest(Endless())).fields == {"input": "a"}

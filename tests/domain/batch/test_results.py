"""Result manifests: written for spreadsheets and programs, and read again."""

import csv
import io
import json

import pytest

from penstock.domain.batch.addresses import file_address
from penstock.domain.batch.columns import RESULT_COLUMNS
from penstock.domain.batch.manifest import read_manifest
from penstock.domain.batch.results import ResultLine, manifest_format, manifest_row, manifest_start

REQUEST = {"kind": "image", "format": "webp", "width": 640, "quality": 0.8, "background": "#ffffff", "start": None}
DONE = ResultLine(
    "file:///in/a.jpg", "completed", REQUEST, output="file:///out/a.webp", task="tsk_1", bytes_in=1000, bytes_out=300,
    codec="webp", width=640, height=427, seconds=0.02, quality=0.97,
)  # fmt: skip
READ = {"input": "file:///in/a.jpg", "output": "file:///out/a.webp"} | {
    k: v for k, v in REQUEST.items() if v is not None
}


def written(*rows: ResultLine, as_format: str) -> bytes:
    return manifest_start(as_format) + b"".join(manifest_row(row, as_format) for row in rows)


def read(content: bytes):
    return [dict(line.fields) for line in read_manifest(io.BytesIO(content))]


@pytest.mark.parametrize("as_format", ["csv", "jsonl"])
def test_a_result_can_be_given_back_as_a_manifest(as_format):
    assert read(written(DONE, as_format=as_format)) == [READ]


NAMES = ["ä 日", "-a", "=1+1", "'=x", "@a", "new\nline", "\udcff\udc80", 'q"uo,te;', "\x85\u2028", "\t", "a\rb", "%41"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("as_format", ["csv", "jsonl"])
def test_every_name_comes_back(as_format, name):
    address = file_address(f"/in/{name}")
    line = ResultLine(address, "failed", REQUEST, output=address, error="input_unreadable: The input is no media.")
    [back] = read(written(line, as_format=as_format))

    assert (back["input"], back["output"]) == (address, address)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "'=x", "plain", "'plain"])
def test_no_cell_is_a_formula_and_every_cell_comes_back(text):
    [row] = csv.reader(io.StringIO(manifest_row(ResultLine(text, "failed", REQUEST), "csv").decode()))

    assert row[0][0] not in "=+-@\t"
    assert read(written(ResultLine(text, "failed", REQUEST), as_format="csv"))[0]["input"] == text


@pytest.mark.parametrize("as_format", ["csv", "jsonl"])
def test_an_uploaded_file_is_given_back_as_such(as_format):
    line = ResultLine("file_abcdefgh12345678", "planned", REQUEST | {"file_id": "file_abcdefgh12345678"})
    [back] = read(written(line, as_format=as_format))

    assert (back["file_id"], "input" in back) == ("file_abcdefgh12345678", False)


@pytest.mark.parametrize("as_format", ["csv", "jsonl"])
def test_a_link_to_our_storage_is_no_name_of_an_output(as_format):
    line = ResultLine("file:///in/a.jpg", "completed", REQUEST, output="https://media.example/files/file_1")

    assert "output" not in read(written(line, as_format=as_format))[0]


def test_a_spreadsheet_sees_utf8_and_a_header():
    content = written(DONE, as_format="csv")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))

    assert content.startswith(b"\xef\xbb\xbfinput,output,status")
    assert tuple(rows[0])[: len(RESULT_COLUMNS)] == RESULT_COLUMNS
    assert (rows[0]["saved"], rows[0]["width"], rows[0]["request.width"], rows[0]["reason"]) == (
        "700",
        "640",
        "640",
        "",
    )


def test_every_row_of_csv_is_one_line():
    line = ResultLine("file:///a", "failed", REQUEST, error="two\nlines\r\nof text")

    assert manifest_row(line, "csv").count(b"\n") == 1


def test_json_lines_have_every_key_in_order():
    row = json.loads(manifest_row(DONE, "jsonl"))

    assert tuple(row) == (*RESULT_COLUMNS, "request")
    assert (row["saved"], row["reason"], row["request"]["width"]) == (700, None, 640)


def test_the_name_of_the_file_tells_the_format():
    assert [manifest_format(name) for name in ("a.csv", "A.CSV", "a.jsonl", "a")] == ["csv", "csv", "jsonl", "jsonl"]

"""Every line of a process is logged without secrets, whichever logger it comes from."""

import json
import logging
from pathlib import Path

import pytest
from prefect.logging.formatters import JsonFormatter

from penstock.logs.records import redacted_record

SECRET = "hush4c1e9d"


@pytest.fixture
def lines(monkeypatch):
    """What a logger of some library has written, by its formatter."""
    monkeypatch.setattr(logging.getLogger("library"), "handlers", [])
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(redacted_record)
    yield Lines(logging.getLogger("library"))
    logging.setLogRecordFactory(before)


class Lines(logging.Handler):
    def __init__(self, logger):
        super().__init__()
        self.logger, self.records = logger, []
        logger.addHandler(self)

    def emit(self, record):
        self.records.append(record)

    def text(self):
        return "\n".join(map(logging.Formatter().format, self.records))

    def json(self):
        return [json.loads(JsonFormatter("default", "", "%").format(record)) for record in self.records]


def test_a_secret_among_the_arguments_is_not_written(lines):
    lines.logger.error("%s: GET %r", ValueError(f"token={SECRET}"), f"https://a.example/b?c={SECRET}")
    assert lines.text() == "token=… GET 'https://a.example/b?…'"


def test_a_secret_of_an_exception_is_written_neither_as_text_nor_as_json(lines):
    try:
        Path(f"https://a.example/b?c={SECRET}").read_bytes()
    except OSError:
        lines.logger.exception("it failed")
    assert SECRET not in lines.text()
    (written,) = lines.json()
    assert SECRET not in str(written)
    assert "Traceback" in written["exc_text"]


def test_a_line_whose_arguments_do_not_fit_is_written_all_the_same(lines):
    lines.logger.error("%d files of %s", *["many"])
    assert lines.text() == "%d files of %s (its arguments do not fit)"


def test_a_line_of_access_keeps_its_arguments_for_its_formatter():
    arguments = ("1.2.3.4:5", "GET", f"/files/x?signature={SECRET}", "1.1", 200)
    record = redacted_record("uvicorn.access", logging.INFO, "h.py", 1, '%s - "%s %s HTTP/%s" %d', arguments, None)
    assert record.args == ("1.2.3.4:5", "GET", "/files/x?…", "1.1", 200)


def test_json_lines_have_the_fields_of_a_line(lines):
    lines.logger.error("tsk_1 failed")
    (written,) = lines.json()
    assert (written["name"], written["levelname"], written["message"]) == ("library", "ERROR", "tsk_1 failed")
    assert written["request_id"] is None

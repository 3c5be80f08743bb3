"""What every log line of a process goes through, whichever logger it comes from, Prefect's and those of libraries too.

A filter would have to be put on every handler, also on those that Prefect adds later; a record is made once.
"""

import logging
from typing import Any

from penstock.logs.redaction import redacted, redacted_traceback, without_secrets
from penstock.logs.request_ids import current_request_id

# Its formatter reads the arguments, not the message (uvicorn's line of an access).
_KEEPS_ARGUMENTS = "uvicorn.access"
_TRACEBACKS = logging.Formatter()


def redact_records() -> None:
    """Make all records of this process without secrets, and with the id of their request."""
    logging.setLogRecordFactory(redacted_record)


def redacted_record(*arguments: Any, **named: Any) -> logging.LogRecord:
    """A `logging.LogRecord` of these arguments, redacted. `request_id` is None outside of a request."""
    record, request_id = logging.LogRecord(*arguments, **named), current_request_id()
    record.__dict__["request_id"] = request_id
    if record.name == _KEEPS_ARGUMENTS and isinstance(record.args, tuple):
        record.args = tuple(without_secrets(each) if isinstance(each, str) else each for each in record.args)
        return record
    record.msg, record.args = redacted(_message(record)) + _suffix(request_id), None
    if record.exc_info:
        # In its place the text, because Prefect's JSON shows the exception itself.
        text = _TRACEBACKS.formatException(record.exc_info) if record.exc_info[0] else ""
        record.exc_text, record.exc_info = redacted_traceback(text) or None, None
    return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - any object can fail to be formatted, and the line is to be written
        return f"{record.msg} (its arguments do not fit)"


def _suffix(request_id: str | None) -> str:
    return f" ({request_id})" if request_id else ""

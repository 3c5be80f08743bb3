"""The line of progress: its text, and how it is written to terminals of all kinds."""

import io

import pytest

from penstock.cli.conversions.progress_line import LineDisplay, NoDisplay, StepDisplay, display_on
from penstock.cli.conversions.progress_text import Reading, progress_text


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


class AsciiTerminal(Terminal):
    encoding = "ascii"


def shown(*reports, duration=None, now=30.0):
    reading = Reading("clip.mov", duration=duration)
    for state, percent, at in reports:
        reading = reading.after(state, percent, at)
    return progress_text([reading], 0, 1, now)


def test_an_encode_shows_percentage_speed_and_the_time_left():
    text = shown(("queued", 0, 0.0), ("transcoding", 0, 10.0), ("transcoding", 62, 30.0), duration=100.0)
    assert text == "62 % · 3.1× · 0:12 left · transcoding"


def test_speed_and_time_left_count_from_the_first_report_of_the_state():
    text = shown(("transcoding", 50, 10.0), ("transcoding", 75, 20.0), duration=40.0, now=20.0)
    assert text == "75 % · 1.0× · 0:10 left · transcoding"


def test_a_first_second_is_too_short_for_an_estimate():
    assert shown(("sending", 0, 29.5), ("sending", 40, 29.9)) == "40 % · uploading"


@pytest.mark.parametrize(
    ("state", "percent", "text"),
    [
        ("queued", 0, "waiting for a worker"),
        ("sending", 100, "checking"),
        ("transcoding", 0, "transcoding"),
        ("transcoding", 100, "verifying"),
        ("uploading", 100, "storing"),
        ("a state of later versions", 7, "a state of later versions"),
    ],
)
def test_a_state_without_a_percentage_is_a_word(state, percent, text):
    assert shown((state, percent, 0.0)) == text


def test_several_conversions_share_the_line():
    readings = [Reading("a.mov", "transcoding", 62), Reading("b.mov", "validating")]
    assert progress_text(readings, 3, 12, 0.0) == "3 of 12 done · a.mov 62 % · b.mov checking"


@pytest.mark.parametrize("columns", [40, 120])
def test_no_line_is_wider_than_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    display = LineDisplay(terminal)
    for number in (3, 400, 2):
        display.show(f"{number} of 500 done · a_film_with_a_long_name.mov 62 % · another_film_with_a_long_name.mov 7 %")
    display.clear()
    assert "\n" not in terminal.getvalue()
    assert max(map(len, terminal.getvalue().split("\r"))) < columns


def test_a_cleared_line_is_empty(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    display = LineDisplay(terminal)
    display.show("62 % · transcoding")
    display.clear()
    display.clear()
    assert terminal.getvalue().endswith(f"\r{' ' * 20}\r")


def test_no_control_code_is_written():
    terminal = Terminal()
    LineDisplay(terminal).show("62 % · transcoding")
    assert "\x1b" not in terminal.getvalue()


def test_a_dumb_terminal_gets_a_line_for_each_step():
    terminal = Terminal()
    display = display_on(terminal, {"TERM": "dumb"})
    for text in ("1 % · uploading", "62 % · uploading", "7 % · 0:14 left · transcoding"):
        display.show(text)
    assert isinstance(display, StepDisplay)
    assert terminal.getvalue() == "uploading\ntranscoding\n"


def test_an_ascii_terminal_gets_ascii():
    terminal = AsciiTerminal()
    LineDisplay(terminal).show("62 % · 3.1×")
    assert terminal.getvalue().endswith("62 % - 3.1x")


def test_a_pipe_gets_nothing():
    assert isinstance(display_on(io.StringIO(), {"TERM": "xterm"}), NoDisplay)

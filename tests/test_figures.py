"""The figures of the README are those that the benchmarks found."""

from pathlib import Path

from benchmarks.report import RESULTS, Report, Row, keep, reported
from benchmarks.table import BEGIN, END, README, table


def found(what: str, *, met: bool) -> Report:
    return reported("Pictures", [Row(what, "3 ms", "a|peer", "4 ms", 0.75, None, "≤ 1", met)])


def test_the_readme_shows_what_the_benchmarks_have_kept():
    assert f"{BEGIN}\n\n{table(RESULTS)}\n{END}" in README.read_text()


def test_a_missed_bar_is_said_in_the_table(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("benchmarks.report.RESULTS", tmp_path)
    keep(found("a thumbnail", met=False), "pictures")

    assert "| a thumbnail | 3 ms | a\\|peer | 4 ms | 0.75 | ≤ 1 | **missed** |  |" in table(tmp_path)

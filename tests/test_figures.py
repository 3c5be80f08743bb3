"""The tables in the docs show the results of the benchmarks."""

from pathlib import Path

import pytest

from benchmarks.harness.report import RESULTS, Report, Row, keep, reported
from benchmarks.plots import PICTURES, PLOTS, drawn
from benchmarks.table import BEGIN, END, PAGES, table


def found(what: str, *, met: bool) -> Report:
    return reported("Pictures", [Row(what, "3 ms", "a|peer", "4 ms", 0.75, None, "≤ 1", met)])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_the_results_of_the_benchmarks(page: Path):
    assert f"{BEGIN}\n\n{table(RESULTS, PAGES[page])}\n{END}" in page.read_text()


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_shows_the_results_of_the_benchmarks(name: str):
    assert (PICTURES / f"{name}.svg").read_bytes() == drawn(PLOTS[name], RESULTS)


def test_every_result_is_on_a_page():
    assert {path.stem for path in RESULTS.glob("*.json")} <= {name for names in PAGES.values() for name in names}


def test_a_missed_bar_is_marked_in_the_table(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("benchmarks.harness.report.RESULTS", tmp_path)
    keep(found("a thumbnail", met=False), "pictures")

    assert "| a thumbnail | 3 ms | a\\|peer | 4 ms | 0.75 | ≤ 1 | **missed** |" in table(tmp_path, ["pictures"])

"""The receipt of a run is shown once its task is completed: no fault of it may end the run."""

from types import SimpleNamespace
from typing import Any

from penstock.orchestration.run import receipt, receipt_page


def test_a_fault_of_the_receipt_is_logged_and_ends_no_run(monkeypatch, caplog):
    def fail(*_: Any) -> None:
        raise RuntimeError("the page")

    monkeypatch.setattr(receipt, "_create_artifact", fail)
    made: Any = None
    run: Any = SimpleNamespace(lease=SimpleNamespace(task_id="tsk_1"))

    receipt.show_receipt(made, made, made, run)

    assert "the receipt of tsk_1 is not shown in Prefect" in caplog.text


def test_the_argument_list_is_folded_and_no_markup():
    shown = receipt_page._command(["ffmpeg", "-metadata", "title=<b>"])
    assert shown.startswith("<details><summary>Argument list</summary><pre>ffmpeg -metadata ")
    assert "<b>" not in shown

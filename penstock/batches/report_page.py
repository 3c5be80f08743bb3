"""The page that tells people how a batch ended, as Markdown. It holds no signed link and no address of the web."""

from collections.abc import Sequence
from urllib.parse import unquote

from penstock.batches.reporting import plan_sentence, size_text, summary_sentence
from penstock.domain.batch.addresses import path_in, scheme_of, without_user_information
from penstock.domain.batch.advice import advice_for
from penstock.domain.batch.batch import Batch, BatchCounts
from penstock.domain.batch.plan_totals import PlanTotals
from penstock.domain.secret_urls import HIDDEN, is_safe_to_show


def report_page(
    batch: Batch,
    manifest: str | None,
    counts: BatchCounts,
    failures: Sequence[tuple[str, int]],
    slowest: Sequence[tuple[str, float]],
) -> str:
    """Totals, savings, failures by code with what to do, the slowest lines, and where the manifest is."""
    return _page(
        batch,
        manifest,
        f"**{summary_sentence(counts, failures)}.** {saving_sentence(counts)}".strip(),
        *_failure_table(failures),
        *_slowest_table(slowest),
    )


def plan_page(batch: Batch, manifest: str | None, totals: PlanTotals) -> str:
    """What a plan expects in total, refusals by code with what to do, and where the manifest is."""
    return _page(batch, manifest, f"**{plan_sentence(totals)}.**", *_failure_table(list(totals.refusals.items())))


def _page(batch: Batch, manifest: str | None, *sections: str) -> str:
    return "\n\n".join((f"## {_plain(batch.title)}", *sections, f"Result manifest: {_place(manifest)}"))


def saving_sentence(counts: BatchCounts) -> str:
    """`88.1 MB → 9.2 MB (−90 %).`; empty where nothing was converted."""
    if not counts.bytes_in or not counts.by_status.get("completed"):
        return ""
    change = round(100 * (counts.bytes_out - counts.bytes_in) / counts.bytes_in)
    sign = "−" if change < 0 else "+"
    return f"{size_text(counts.bytes_in)} → {size_text(counts.bytes_out)} ({sign}{abs(change)} %)."


def name_text(address: str) -> str:
    """The last part of an address, for people; nothing that may be a secret."""
    if scheme_of(address) in ("http", "https") and not is_safe_to_show(address):
        return HIDDEN
    return unquote(address.partition("?")[0].rpartition("/")[2], errors="replace") or address


def _failure_table(failures: Sequence[tuple[str, int]]) -> list[str]:
    if not failures:
        return []
    rows = "\n".join(f"| {code} | {count:,} | {advice_for(code)} |" for code, count in failures)
    return [f"### Failures\n\n| code | lines | what to do |\n|---|---|---|\n{rows}"]


def _slowest_table(slowest: Sequence[tuple[str, float]]) -> list[str]:
    if not slowest:
        return []
    rows = "\n".join(f"| {_plain(name_text(name))} | {seconds:.2f} s |" for name, seconds in slowest)
    return [f"### Slowest\n\n| input | time |\n|---|---|\n{rows}"]


def _place(manifest: str | None) -> str:
    if manifest is None:
        return "a file of the batch, see `manifest` in its JSON"
    is_local = scheme_of(manifest) == "file"
    return f"`{path_in(manifest) if is_local else unquote(without_user_information(manifest))}`"


def _plain(text: str) -> str:
    """Text that Markdown does not read as markup."""
    return "".join(
        f"\\{letter}" if letter in "\\`*_{}[]<>()#+!|" else letter for letter in text if letter.isprintable()
    )

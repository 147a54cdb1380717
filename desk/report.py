"""The report of a run: one HTML file that needs nothing else, made from the journal alone."""

from html import escape
from pathlib import Path
from string import Template

from desk import report_tables as tables
from desk.fold import Fold, fold_of
from desk.fold_names import base_units
from desk.report_charts import capital_chart, naked_chart, skew_chart, spread_chart, spread_legend
from desk.report_latency import latency_table
from desk.report_svg import mark
from desk.report_timeline import chosen_deal, timeline
from desk.summary import summary
from desk.texts import amount_text, count_text, day_text, duration_text, number_text, time_text
from engine.records import HALTED
from engine.segments import read

TEMPLATE = Path(__file__).with_name("report.html")


def write_report(source: Fold | Path | str, path: Path | str, replay_identical: bool | None = None) -> dict:
    """Write the report of a fold, or of the journal in a folder, to `path`; returns the summary it shows.

    replay_identical: of a replay that was run, None where none was. OSError where the file cannot be written.
    """
    fold = source if isinstance(source, Fold) else fold_of(read(Path(source)))
    figures = summary(fold, replay_identical)
    Path(path).write_text(report_html(fold, figures), encoding="utf-8")
    return figures


def report_html(fold: Fold, figures: dict) -> str:
    title = f"{fold.names.engine}: run report"
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(title),
        subtitle=escape(_subtitle(fold)),
        verdict=_verdict(fold, figures),
        cards=tables.cards(figures),
        sections="".join(_sections(fold, figures)),
    )


def _subtitle(fold: Fold) -> str:
    first, last = fold.market_ns(fold.first_ns), fold.market_ns(fold.last_ns)
    when = f"market time {day_text(first)} {time_text(first, 0)} to {time_text(last, 0)} UTC"
    took = f"run on {day_text(fold.first_ns)} in {duration_text(fold.last_ns - fold.first_ns)}"
    return " · ".join([*([fold.names.input] if fold.names.input else []), when, took])


def left_open(fold: Fold, figures: dict) -> list[str]:
    """What a person has to know of at the end; empty where the run ended with nothing unhedged and all known."""
    unit = next((fold.names.unit(deal.last.spread) for deal in fold.deals.unbalanced()), "")
    halted = [deal for deal in fold.deals.unbalanced() if deal.last.outcome == HALTED]
    worst, unsettled = figures["exposure_at_end"], figures["orders_unsettled"]
    told = [
        (figures["open"], count_text(figures["open"], "deal open", "deals open")),
        (halted, count_text(len(halted), "deal halted", "deals halted")),
        (worst, f"unhedged {number_text(worst)} {unit or 'base units'} at the worst"),
        (worst is None, "unhedged amounts in several units"),
        (unsettled, count_text(unsettled, "order not settled", "orders not settled")),
        (figures["replay_identical"] is False, "the replay differs from the run"),
    ]
    return [words for present, words in told if present]


def _verdict(fold: Fold, figures: dict) -> str:
    problems = left_open(fold, figures)
    held = [
        f"{fold.names.spread(index)} {number_text(view.last.position_units)} units"
        for index, view in sorted(fold.spreads.items())
        if view.last and view.last.position_units
    ]
    residual = [
        f"{fold.names.spread(index)} {amount_text(base_units(view.residual_ubase))} {fold.names.unit(index)}"
        for index, view in sorted(fold.spreads.items())
        if view.residual_ubase
    ]
    word = "Not flat" if problems else "Balanced" if held else "Flat"
    said = "; ".join(problems) if problems else "no deal is open or halted, every order is settled, nothing is unhedged"
    notes = [f"Hedged positions held: {', '.join(held)}." if held else "No position in any spread."]
    notes += [f"Residual ledger: {', '.join(residual)}."] if residual else []
    notes += [_shadow_words(figures["shadow"])] if figures["shadow"] else []
    css = "bad" if problems else "good"
    return f'<div class="verdict {css}"><b>{escape(f"{word}: {said}.")}</b><p>{escape(" ".join(notes))}</p></div>'


def _shadow_words(count: int) -> str:
    return f"Shadow mode: {count_text(count, 'decision was', 'decisions were')} cleared, and nothing of it was sent."


def _section(title: str, content: str, about: str = "", empty: str = "") -> str:
    inside = f'<div class="scroll">{content}</div>' if content else f"<p>{escape(empty)}</p>"
    about = f"<p>{escape(about)}</p>" if about and content else ""
    return f"<section><h2>{escape(title)}</h2>{about}{inside}</section>"


def _legend(entries: list[tuple[str, str, str]]) -> str:
    drawn = []
    for shape, css, words in entries:
        line = f'<path d="M1 7H21" class="line {css}"/>'
        sign = line if shape == "line" else mark(shape, 11, 7, f"mark {css}")
        drawn.append(f'<span><svg viewBox="0 0 22 14">{sign}</svg>{escape(words)}</span>')
    return f'<div class="legend">{"".join(drawn)}</div>'


def _sections(fold: Fold, figures: dict):
    yield from _spread_sections(fold)
    deals = tables.deals_table(fold) if fold.deals.total() else ""
    about = (
        f"The latest {tables.DEALS_SHOWN}, newest first, then earlier ones that did not end complete. Times are market "
        "time, UTC. Slippage: above zero is paid beyond the touch that the decision saw, one line a leg."
    )
    yield _section("Deals", deals, about, "No deal was begun.")
    repaired = chosen_deal(fold)
    if repaired is not None:
        name = f"Deal {repaired.deal_id}: what repair did"
        about = "The most repaired deal. Bars are orders from send to settled (green: something filled), dots fills."
        yield _section(name, timeline(fold, repaired), about)
    yield _section("Why decisions were denied", tables.denials_table(fold), _DENIED, "No decision was denied.")
    yield _section("Why strategies did not decide", tables.stands_table(fold), _STOOD, "The journal does not tell.")
    about = "Dot: median; thick bar: to p99; thin: to the largest. Bold: what a desk asks for; the others: single hops."
    yield _section("Latency by hop", latency_table(fold), about, "No stamps in this journal.")
    yield '<div class="pair">'
    yield _section("Leg skew", skew_chart(fold), "First to last leg sent; decisions by time.", "No deal sent two legs.")
    about = "Deals by time above their exposure bound; less than 1 µs is drawn at 1 µs."
    yield _section("裸露时间 naked time", naked_chart(fold), about, "No deal ended with a fill.")
    yield "</div>"
    for pool in sorted(fold.pools):
        about = "Margin used and held, percent of its capital; the levels warn, stop entries, and stop all opening."
        title = f"资金占用 capital use: {fold.names.pool(pool)}"
        yield _section(title, capital_chart(fold, pool), about, "Too few samples.")
    yield _section("Alerts", tables.alerts_table(fold), "Newest first, times in market time, UTC.", "No alert.")
    yield _section("Every figure and what it means", tables.definitions_table(figures))


_STOOD = "The condition that stopped each one, on the engine's clock; ready: it would have decided at its next quote."
_DENIED = "By the control that said no, strategies' decisions and repairs apart, with the latest example of each."


def _spread_sections(fold: Fold):
    for index, view in sorted(fold.spreads.items()):
        chart = spread_chart(fold, index)
        unit = fold.names.price_unit(index) or "spread price"
        about = f"{unit}. The lines break while the spread has no tradable price. Market time, UTC."
        drawn = _legend(spread_legend(view)) + chart if chart else ""
        yield _section(f"{fold.names.spread(index)}: 点差 and 对价", drawn, about, "No sample of it has a price.")
    if fold.spreads:
        yield _section("Spreads at the end", tables.spreads_table(fold))

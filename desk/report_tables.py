"""The tables of the report: key figures, deals, denials, blocked spreads, alerts, definitions. All text is escaped."""

from html import escape

from desk.control_text import control_name, verdict_text
from desk.fold import Fold
from desk.fold_deals import DealView, outcome_name
from desk.fold_names import base_units
from desk.stand_text import stand_name
from desk.summary import DEFINITIONS
from desk.texts import DASH, amount_text, duration_text, number_text, signed_text, time_text
from engine.records import BLOCKED_NAMES, COMPLETE, HALT_REASONS, PURPOSES, RUNGS

DEALS_SHOWN, ALERTS_SHOWN, REPAIRS_SHOWN = 200, 200, 3


def table(head: list[str], rows: list[list[str]], css: str = "") -> str:
    """Cells are HTML already; head is plain text."""
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="{css}"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>'


def cards(summary: dict) -> str:
    """The figures a desk looks at first, each with what stands behind it in small."""
    s, n = summary, number_text
    ms = lambda key: duration_text(None if s[key] is None else s[key] * 1e6)
    us = lambda key: duration_text(None if s[key] is None else s[key] * 1e3)
    pct = lambda key: DASH if s[key] is None else f"{n(s[key], 1)} %"
    replay = {True: "replay identical", False: "REPLAY DIFFERS", None: "replay not run"}[s["replay_identical"]]
    ended = f"{n(s['complete'])} complete, {n(s['partial_balanced'])} partial, {n(s['unwound'])} unwound, "
    ended += f"{n(s['not_done'])} not done, {n(s['halted'])} halted, {n(s['open'])} open"
    doubts = f"sent; ever in doubt: {n(s['orders_in_doubt'])}, unsettled at the end: {n(s['orders_unsettled'])}"
    shadow = f" ({n(s['shadow'])} shadow)" if s["shadow"] else ""
    figures = [
        ("deals", n(s["deals"]), ended),
        ("decisions", n(s["decisions"]), f"{n(s['cleared'])} cleared{shadow}, {n(s['denied'])} denied"),
        ("captured", pct("capture_pct"), f"of {n(s['opportunities'])} opportunities"),
        ("failed", pct("failure_pct"), "of deals with a fill: unwound or halted"),
        ("裸露时间 naked time", ms("naked_ms_p50"), f"median; p99 {ms('naked_ms_p99')}, max {ms('naked_ms_max')}"),
        ("tick to order", us("tick_to_order_us_p50"), f"median; p99 {us('tick_to_order_us_p99')}"),
        ("leg skew", us("leg_skew_us_p50"), "median, first to last leg sent"),
        ("slippage, bps", n(s["slippage_bps_p50"]), "median leg, against the touch"),
        ("资金占用 capital use", pct("capital_used_pct_max"), f"highest; idle {pct('capital_idle_pct')} on average"),
        ("residual", amount_text(s["residual_base_units"]),
         f"base units; exposure at the end {amount_text(s['exposure_at_end'])}"),
        ("orders", n(s["orders_sent"]), doubts),
        ("journal", n(s["journal_records"]), f"records; {replay}"),
    ]  # fmt: skip
    escaped = (map(escape, figure) for figure in figures)
    return "".join(f"<div><h3>{name}</h3><b>{value}</b><p>{small}</p></div>" for name, value, small in escaped)


def deals_table(fold: Fold) -> str:
    """The latest deals, and before them every one that is open, halted, unwound or otherwise not complete."""
    latest = fold.deals.latest(DEALS_SHOWN)
    shown = {deal.deal_id for deal in latest}
    unusual = [deal for deal in fold.deals if deal.deal_id not in shown and deal.last.outcome != COMPLETE]
    head = ["time", "deal", "legs: lots of target, average price", "repair", "outcome", "裸露时间", "slippage, bps"]
    return table(head, [_deal_row(fold, deal) for deal in [*latest, *unusual[: -DEALS_SHOWN - 1 : -1]]], "deals")


def _deal_row(fold: Fold, deal: DealView) -> list[str]:
    last = deal.last
    side = "buy" if last.side > 0 else "sell"
    what = f"{PURPOSES[last.purpose]} {side} {last.units} {fold.names.spread(last.spread)}"
    legs = _legs(fold, deal)
    slips = [deal.slippage_bps(leg) for leg in range(len(legs))]
    name = outcome_name(deal)
    notes = [HALT_REASONS[last.reason]] if last.reason else []
    notes += ["was in doubt"] if deal.doubted else []
    notes += _venue_texts(deal) if name != "complete" else []
    badge = f'<span class="badge {name}">{name.replace("_", " ")}</span>'
    return [
        escape(time_text(fold.market_ns(last.opened_ns))),
        f"{escape(what)}<small>no. {last.deal_id}, {escape(fold.names.strategy(last.strategy))}</small>",
        "<br>".join(legs),
        _repairs(fold, deal),
        badge + "".join(f"<small>{escape(note)}</small>" for note in notes),
        duration_text(last.naked_ns) if any(last.booked_lots) or deal.fills else DASH,
        "<br>".join(DASH if slip is None else signed_text(slip, 2) for slip in slips),
    ]


def _venue_texts(deal: DealView) -> list[str]:
    return sorted({order.venue_text for order in deal.orders.values() if order.venue_text})


def _legs(fold: Fold, deal: DealView) -> list[str]:
    """One line a leg: what stands of what was meant, and at what price on average."""
    instruments = deal.decision.instrument[: deal.decision.legs] if deal.decision else fold.names.legs(deal.last.spread)
    lines = []
    for leg, instrument in enumerate(instruments):
        _, average = deal.average_ticks(leg)
        lots = f"{number_text(deal.last.booked_lots[leg])} of {number_text(deal.last.target_lots[leg])}"
        price = f" @ {fold.names.average_text(instrument, average)}" if average is not None else ""
        lines.append(f"<span class=nowrap>{escape(f'{lots} {fold.names.instrument(instrument)}{price}')}</span>")
    return lines


def _repairs(fold: Fold, deal: DealView) -> str:
    legs = fold.names.legs(deal.last.spread)
    lines = []
    for row in deal.repairs[-REPAIRS_SHOWN:]:
        wanted = " ".join(
            f"{signed_text(lots)} {fold.names.instrument(legs[leg] if leg < len(legs) else -1)}"
            for leg, lots in enumerate(row.lots)
            if lots
        )
        lines.append(f"<span class=nowrap>{escape(f'{RUNGS[row.rung]} {wanted}'.strip())}</span>")
    more = len(deal.repairs) - REPAIRS_SHOWN
    return (f"<small>{more} before</small>" if more > 0 else "") + "<br>".join(lines)


def denials_table(fold: Fold) -> str:
    """Why decisions were denied: by control, with the latest example. Empty where none was."""
    rows = []
    for number, denial in sorted(fold.denials.items(), key=lambda item: -item[1].count - item[1].of_repairs):
        at_ns, decision, verdict = denial.examples[-1]
        leg = verdict.leg
        on = fold.names.instrument(decision.instrument[leg]) if leg >= 0 else fold.names.spread(decision.spread)
        rows.append([
            str(number), escape(control_name(number)), number_text(denial.count), number_text(denial.of_repairs),
            f"{escape(verdict_text(verdict))}<small>{escape(on)}, {time_text(fold.market_ns(at_ns))}</small>",
        ])  # fmt: skip
    return table(["no.", "control", "denied", "repairs", "latest example"], rows, "denials") if rows else ""


def stands_table(fold: Fold) -> str:
    """For how long each strategy did not decide, by reason, the longest first. Empty where no journal tells."""
    rows = []
    for strategy, spans in fold.stands.spans(fold.last_ns).items():
        total = sum(ns for _, ns in spans)
        rows += [
            [escape(fold.names.strategy(strategy)), escape(stand_name(reason)), duration_text(ns),
             f"{100 * ns / total:.1f} %"]
            for reason, ns in spans
        ]  # fmt: skip
    return table(["strategy", "reason", "time", "share"], rows, "stands") if rows else ""


def spreads_table(fold: Fold) -> str:
    """Position, residual ledger and the share of samples in which a spread had no tradable price, and why."""
    rows = []
    for index, view in sorted(fold.spreads.items()):
        seen = view.samples.seen
        why = ", ".join(f"{BLOCKED_NAMES[bit]} {100 * count / seen:.1f} %" for bit, count in view.blocked.most_common())
        unit = fold.names.unit(index) or "base units"
        left, bound = (amount_text(base_units(ubase)) for ubase in (view.residual_ubase, view.bound_ubase))
        ratio = f"{view.last.ratio:.5f}" if view.last and not view.last.blocked else DASH
        rows.append([
            escape(fold.names.spread(index)), number_text(view.last.position_units) if view.last else DASH, ratio,
            escape(f"{left} of ±{bound} {unit}"), number_text(view.opportunities), escape(why or "never"),
        ])  # fmt: skip
    head = [
        "spread",
        "position, units",
        "比值 ratio, last",
        "residual of its bound",
        "opportunities",
        "without a price",
    ]
    return table(head, rows, "spreads") if rows else ""


def alerts_table(fold: Fold) -> str:
    """The latest alerts, newest first."""
    rows = []
    for at_ns, alert in list(fold.alerts)[: -ALERTS_SHOWN - 1 : -1]:
        level = str(alert.get("level", "info"))
        numbers = ", ".join(f"{key} {value}" for key, value in (alert.get("numbers") or {}).items())
        rows.append([
            time_text(fold.market_ns(at_ns)), f'<span class="badge {escape(level)}">{escape(level)}</span>',
            f"{escape(str(alert.get('what', '')))}<small>{escape(numbers)}</small>", escape(str(alert.get("do", ""))),
        ])  # fmt: skip
    return table(["time", "level", "what", "what to do"], rows, "alerts") if rows else ""


def definitions_table(summary: dict) -> str:
    """Every figure of the summary, its value and its definition."""
    rows = [
        [f"<code>{key}</code>", escape(_value(summary.get(key))), escape(words)] for key, words in DEFINITIONS.items()
    ]
    return table(["figure", "value", "what it means"], rows, "definitions")


def _value(value) -> str:
    return value if isinstance(value, str) else number_text(value, 3)

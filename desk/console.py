"""The live view of an engine in a terminal: quotes, spreads, deals, denials, capital, latencies, alerts.

It tails the journal from its own process or thread, and never touches the engine's objects.
"""

from collections.abc import Callable
from pathlib import Path
from threading import Event

from rich.console import Console as Terminal
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from desk.control_text import control_name
from desk.fold import Fold
from desk.fold_deals import DealView, outcome_name
from desk.fold_latency import GATE, LEG_SKEW, ROUND_TRIP, TICK_TO_DECISION, TICK_TO_ORDER
from desk.fold_names import base_units
from desk.texts import DASH, amount_text, duration_text, number_text, signed_text, time_text
from engine.clock import now_ns
from engine.ports import CHANNELS, LINK_STATES, READY
from engine.records import BLOCKED_NAMES, PURPOSES, QUOTE
from engine.segments import Reader

REFRESH_S = 0.25
DEALS_SHOWN, DENIALS_SHOWN, ALERTS_SHOWN, BAR_WIDTH = 30, 6, 3, 14
_OUTCOME_STYLES = {"complete": "green", "open": "bold cyan", "halted": "bold red", "not_done": "dim"}
_SHORT = {"partial_balanced": "partial", "not_done": "not done"}
_USE_STYLES = ("green", "yellow", "dark_orange", "red")  # by how many of warn, soft and hard are reached
_HOUR_NS, _DAY_HOURS = 3_600 * 1_000_000_000, 24
_LEVEL_STYLES = {"error": "bold red", "warn": "yellow"}


class Console:
    """One screen of a fold; `render` at any time, ages counted to the `at_ns` it is given."""

    def __init__(self, fold: Fold, title: str):
        self.fold = fold
        self.title = title

    def render(self, at_ns: int | None = None) -> RenderableType:
        """A layout that fills the terminal; tidy from 100 x 30 on. at_ns: now; the journal's last record if None."""
        at_ns = self.fold.last_ns if at_ns is None else at_ns
        screen, prices, work = Layout(), Layout(name="prices"), Layout(name="work")
        prices.split_row(Layout(self._quotes(at_ns), ratio=4), Layout(self._spreads(at_ns), ratio=5))
        work.split_row(Layout(self._deals(), ratio=5), Layout(self._figures(), ratio=4))
        venues = {self.fold.names.venue_of(index) for index in self.fold.quotes}
        prices.size = min(max(len(self.fold.quotes) + len(venues), 2 * len(self.fold.spreads), 3), 8) + 3
        header, alerts = Layout(self._header(at_ns), size=3), Layout(self._alerts(), size=ALERTS_SHOWN + 2)
        screen.split_column(header, prices, work, alerts)
        return screen

    def _header(self, at_ns: int) -> Panel:
        fold = self.fold
        ran = duration_text(at_ns - fold.first_ns) if fold.records else DASH
        market = fold.market_ns(at_ns)
        told = Table.grid(expand=True, padding=(0, 1, 0, 0))
        told.add_column()
        told.add_column(justify="right", no_wrap=True)
        played = _cut(fold.names.input or "")
        when = f"{time_text(market, 0)} UTC" if fold.records else "waiting for the journal"
        told.add_row(played, Text(f"{when} · ran {ran} · {fold.kinds[QUOTE]:,} quotes · ").append(*self._links()))
        return Panel(told, title=Text(self.title, "bold"), title_align="left", border_style="blue")

    def _links(self) -> tuple[str, str]:
        """'links ready' or the first channel that is not, and its style."""
        for (venue, channel), row in sorted(self.fold.links.items()):
            if row.state != READY:
                return f"{self.fold.names.venue(venue)} {CHANNELS[channel]} {LINK_STATES[row.state]}", "bold red"
        return ("links ready", "green") if self.fold.links else ("no links", "dim")

    def _quotes(self, at_ns: int) -> Panel:
        table = _table("*instrument", ">lots×bid", "ask×lots", ">age")
        names, venue_before = self.fold.names, None
        for index, row in sorted(self.fold.quotes.items(), key=lambda item: (names.venue_of(item[0]), item[0])):
            venue = names.venue_of(index)
            if venue != venue_before:
                table.add_row(Text(venue, "dim"))
            venue_before = venue
            bid = f"{row.bid_lots:,}×{names.price_text(index, row.bid_ticks)}" if row.bid_lots else DASH
            ask = f"{names.price_text(index, row.ask_ticks)}×{row.ask_lots:,}" if row.ask_lots else DASH
            table.add_row(_cut(f" {names.instrument(index)}"), bid, ask, _age(at_ns - row.now_ns))
        return _panel(table, "quotes")

    def _spreads(self, at_ns: int) -> Panel:
        lines = []
        for index, view in sorted(self.fold.spreads.items()):
            if view.last is not None:
                lines += self._spread_lines(index, view, at_ns)
        return _panel(Group(*lines), "spreads 点差 / 对价 buy | sell / 比值")

    def _spread_lines(self, index: int, view, at_ns: int) -> list[Text]:
        last, name = view.last, self.fold.names.spread(index)
        residual = f"{amount_text(base_units(view.residual_ubase), 3)}/{amount_text(base_units(view.bound_ubase), 3)}"
        age = _age(at_ns - last.oldest_ns) if last.oldest_ns else DASH
        first = Text(no_wrap=True, overflow="ellipsis").append(f"{name}  ", "bold")
        if last.blocked:
            why = ", ".join(words for bit, words in BLOCKED_NAMES.items() if last.blocked & bit)
            first.append(f"no tradable price: {why}", "yellow")
        else:
            first.append(f"{last.diff:.4f}", "bold cyan")
            first.append(f"  {last.buy:.4f} | {last.sell:.4f}  ×{last.ratio:.5f}")
        below = (
            f" size {last.buy_units}|{last.sell_units} · age {age} · pos {number_text(last.position_units)}"
            f" · residual {residual} {self.fold.names.unit(index)}"
        )
        return [first, Text(below, "dim", no_wrap=True, overflow="ellipsis")]

    def _deals(self) -> Panel:
        table = _table("time", "*deal", "outcome", ">fix", ">裸露 naked")
        for deal in self.fold.deals.latest(DEALS_SHOWN):
            table.add_row(*self._deal_cells(deal))
        deals = self.fold.deals
        return _panel(table, f"deals {deals.total():,}")

    def _deal_cells(self, deal: DealView) -> list[str | Text]:
        last, name = deal.last, outcome_name(deal)
        what = f"{PURPOSES[last.purpose]} {signed_text(last.side * last.units)} {self.fold.names.spread(last.spread)}"
        outcome = Text(_SHORT.get(name, name), _OUTCOME_STYLES.get(name, "yellow"))
        if deal.doubted:
            outcome.append("?", "magenta")
        naked = duration_text(last.naked_ns) if last.naked_ns else DASH
        return [time_text(self.fold.market_ns(last.opened_ns), 0), _cut(what), outcome, str(last.repairs or ""), naked]

    def _figures(self) -> Panel:
        return _panel(Group(*self._capital(), self._latencies(), self._denials()), "资金占用 / latency / denied")

    def _capital(self) -> list[RenderableType]:
        bars = []
        for pool, view in sorted(self.fold.pools.items()):
            use_pct, levels = view.last.use_bps / 100, self.fold.names.pool_levels_pct(pool)
            style = _USE_STYLES[sum(use_pct >= level for level in levels)]
            line = Table.grid(padding=(0, 1))
            bar = ProgressBar(100, min(use_pct, 100), BAR_WIDTH, complete_style=style, finished_style=style)
            shown = "/".join(f"{level:g}" for level in levels)
            line.add_row(Text(self.fold.names.pool(pool)), bar, f"{use_pct:.1f} %", Text(shown, "dim"))
            bars.append(line)
            if view.last.transit_micros:
                bars.append(Text(f" 在途 in transit {view.last.transit_micros / 1e6:,.0f}", "dim"))
        return bars

    def _latencies(self) -> Table:
        table = _table("*latency", ">p50", ">p99", ">max")
        asked = [TICK_TO_DECISION, GATE, TICK_TO_ORDER, LEG_SKEW]
        asked += [name for name in self.fold.latencies.names() if name.startswith(ROUND_TRIP)]
        for name in asked:
            latency = self.fold.latencies.latency(name)
            if latency is not None:
                table.add_row(
                    _cut(name), *(duration_text(ns) for ns in (latency.p50_ns, latency.p99_ns, latency.max_ns))
                )
        return table

    def _denials(self) -> Table:
        table = _table("*denied by", ">count")
        worst = sorted(self.fold.denials.items(), key=lambda item: -item[1].count - item[1].of_repairs)
        for number, denial in worst[:DENIALS_SHOWN]:
            table.add_row(_cut(control_name(number)), f"{denial.count + denial.of_repairs:,}")
        return table

    def _alerts(self) -> Panel:
        lines = []
        for at_ns, alert in list(self.fold.alerts)[: -ALERTS_SHOWN - 1 : -1]:
            level = str(alert.get("level", "info"))
            line = Text(no_wrap=True, overflow="ellipsis").append(time_text(self.fold.market_ns(at_ns), 0), "dim")
            line.append(f" {level:5} ", _LEVEL_STYLES.get(level, "dim")).append(str(alert.get("what", "")))
            lines.append(line)
        return _panel(Group(*lines), f"alerts {sum(self.fold.alert_levels.values()):,}")


def _panel(inside: RenderableType, title: str) -> Panel:
    return Panel(inside, title=title, title_align="left", border_style="dim")


def _table(*columns: str) -> Table:
    """A table without lines, one line a row. A column that starts with > is set to the right; one with * gives way
    where room is short (its cells are cut)."""
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for column in columns:
        gives_way, right = column.startswith("*"), column.startswith(">")
        table.add_column(_cut(column.lstrip("*>")), justify="right" if right else "left", no_wrap=not gives_way)
    return table


def _age(span_ns: int) -> str:
    """How old a quote is, always short: an old journal's would take the room of the names beside them."""
    hours = max(span_ns, 0) // _HOUR_NS
    if hours < 1:
        return duration_text(max(span_ns, 0))
    return f"{hours} h" if hours < 4 * _DAY_HOURS else f"{hours // _DAY_HOURS} d"


def _cut(words: str) -> Text:
    return Text(words, no_wrap=True, overflow="ellipsis")


def watch(
    folder: Path | str, seconds: float | None = None, stop: Callable[[], bool] = lambda: False, title: str = "Tandem",
    terminal: Terminal | None = None,
) -> Fold:  # fmt: skip
    """Show the journal in `folder` as it grows, until `stop` says so, `seconds` are over or the user interrupts.

    Returns the fold of what was read. Damaged where the journal's records do not follow one another.
    """
    fold, reader, pause = Fold(), Reader(Path(folder)), Event()
    console = Console(fold, title)
    end_ns = None if seconds is None else now_ns() + round(seconds * 1e9)
    with Live(console.render(), console=terminal, screen=terminal is None, auto_refresh=False) as live:
        while True:
            over = stop() or (end_ns is not None and now_ns() >= end_ns)
            _read_all(reader, fold)
            live.update(console.render(max(now_ns(), fold.last_ns)), refresh=True)
            if over or _interrupted(pause):
                return fold


def _read_all(reader: Reader, fold: Fold) -> None:
    while records := reader.poll():
        for record in records:
            fold.feed(record)


def _interrupted(pause: Event) -> bool:
    """Wait for one refresh; True on Ctrl-C, which ends the view and nothing else."""
    try:
        pause.wait(REFRESH_S)
    except KeyboardInterrupt:
        return True
    return False

"""The picture of a sweep: profit by one parameter as a line, by two as a heat map of the best of the others."""

from desk.report_svg import Frame, axes, line, mark, nice_ticks, segment, svg, text
from desk.sweep_grid import Grid

_STYLE = """<style>
svg { background: #fff; font: 12px system-ui, sans-serif; }
text { fill: #333; } text.soft { fill: #666; }
line.grid { stroke: #ddd; } line.zero { stroke: #888; }
.line { fill: none; stroke: #1a6e8e; stroke-width: 1.8; } .dot { fill: #1a6e8e; }
</style>"""
_GAIN, _LOSS, _UNKNOWN = (26, 110, 142), (178, 58, 42), "#eee"
_CELL, _ROW, _LEFT, _TOP, _BOTTOM = 64, 32, 96, 44, 56
_MOST_CELLS, _WIDEST, _HIGHEST = 20, 1280, 640  # with more columns cells are narrower and have no words


def picture(grid: Grid, rows: list[dict], currency: str) -> str | None:
    """An SVG file's text; None where no parameter has two values."""
    varied = [at for at in range(len(grid.names)) if len({point[at] for point in grid.points}) > 1]
    if not varied:
        return None
    best = _best(grid, rows, varied[:2])
    drawn = _line(grid, best, varied[0], currency) if len(varied) == 1 else _heat(grid, best, varied, currency)
    return drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).replace(">", f">{_STYLE}", 1) + "\n"


def _best(grid: Grid, rows: list[dict], axes_at: list[int]) -> dict[tuple, float | None]:
    """The highest profit in whole currency by the values of these parameters; None where none is known."""
    best: dict[tuple, float | None] = {}
    for point, row in zip(grid.points, rows, strict=True):
        at = tuple(point[axis] for axis in axes_at)
        value = None if row["pnl_micros"] is None else row["pnl_micros"] / 1e6
        if best.setdefault(at, value) is None or (value is not None and value > best[at]):
            best[at] = value
    return best


def _line(grid: Grid, best: dict, axis: int, currency: str) -> str:
    points = sorted((at[0], value) for at, value in best.items() if value is not None)
    xs, ys = [x for x, _ in points] or [0.0], [y for _, y in points] or [0.0]
    low, high = min(*ys, 0.0), max(*ys, 0.0)
    frame = Frame(min(xs), max(xs), low, high + (high == low), width=760, height=340, left=84, top=36, bottom=48)
    name = f"strategy.{grid.names[axis]}"
    x_ticks = {x: f"{x:g}" for x in nice_ticks(min(xs), max(xs), 8)}
    parts = [
        axes(frame, x_ticks, {y: f"{y:,.6g}" for y in nice_ticks(low, high)}),
        segment(frame.left, frame.y(0), frame.width - frame.right, frame.y(0), "zero"), line(frame, xs, ys, ""),
        *(mark("dot", frame.x(x), frame.y(y), "dot", f"{name} {x:g}: {y:,.2f} {currency}") for x, y in points),
        text(frame.left, 20, f"P&L after fees, {currency}"),
        text((frame.left + frame.width) / 2, frame.height - 8, name, "soft", "middle"),
    ]  # fmt: skip
    return svg(frame, parts, f"P&L by {name}")


def _heat(grid: Grid, best: dict, varied: list[int], currency: str) -> str:
    """Columns are values of the first parameter, rows of the second; darker is more, blue gain, red loss."""
    xs, ys = (sorted({at[axis] for at in best}) for axis in range(2))
    most = max((abs(value) for value in best.values() if value is not None), default=0.0) or 1.0
    cell = _CELL if len(xs) <= _MOST_CELLS else max(_WIDEST // len(xs), 2)
    row = _ROW if len(ys) <= _MOST_CELLS else max(_HIGHEST // len(ys), 2)
    worded = len(xs) <= _MOST_CELLS and len(ys) <= _MOST_CELLS
    parts = [text(_LEFT, 20, f"P&L after fees, {currency}" + ("; best of the other parameters" * (len(varied) > 2)))]
    for number, y in enumerate(reversed(ys)):
        top = _TOP + number * row
        if number % _every(len(ys)) == 0:
            parts.append(text(_LEFT - 8, top + row / 2 + 4, f"{y:g}", "", "end"))
        parts += [_cell(_LEFT + at * cell, top, cell, row, best.get((x, y)), most, worded) for at, x in enumerate(xs)]
    foot = _TOP + len(ys) * row
    shown = [(at, x) for at, x in enumerate(xs) if at % _every(len(xs)) == 0]
    parts += [text(_LEFT + (at + 0.5) * cell, foot + 18, f"{x:g}", "", "middle") for at, x in shown]
    names = [f"strategy.{grid.names[axis]}" for axis in varied[:2]]
    parts.append(text(_LEFT + cell * len(xs) / 2, foot + 40, names[0], "soft", "middle"))
    parts.append(text(8, _TOP - 10, names[1], "soft"))
    frame = Frame(0, 1, 0, 1, width=max(_LEFT + cell * len(xs) + 24, 400), height=foot + _BOTTOM)
    return svg(frame, parts, f"P&L by {' and '.join(names)}")


def _every(count: int) -> int:
    """Of so many values, each how-many-th is named."""
    return -(-count // _MOST_CELLS)


def _cell(x: int, y: int, width: int, height: int, value: float | None, most: float, worded: bool) -> str:
    gap = 2 if worded else 0
    box = f'x="{x}" y="{y}" width="{width - gap}" height="{height - gap}"'
    if value is None:
        return f'<rect {box} fill="{_UNKNOWN}"><title>not known</title></rect>'
    share, colour = abs(value) / most, _GAIN if value >= 0 else _LOSS
    fill = ",".join(str(round(255 + (tone - 255) * share)) for tone in colour)
    rect = f'<rect {box} fill="rgb({fill})"><title>{value:,.2f}</title></rect>'
    if not worded:
        return rect
    words = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    place = f'x="{x + width / 2 - 1}" y="{y + height / 2 + 3}" text-anchor="middle"'
    return f'{rect}<text {place} style="fill: {"#fff" if share > 0.6 else "#222"}">{words}</text>'

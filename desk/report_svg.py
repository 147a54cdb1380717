"""Plain SVG for the report: a frame with two scales, lines, steps, bars, dots, axes. Colours are the CSS's classes."""

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape

import msgspec


class Frame(msgspec.Struct, frozen=True):
    """A drawing of width x height with margins, and the values at its plot's edges. log: the x scale is logarithmic."""

    x0: float
    x1: float
    y0: float
    y1: float
    width: int = 1060
    height: int = 280
    left: int = 64
    right: int = 16
    top: int = 12
    bottom: int = 28
    log: bool = False

    def x(self, value: float) -> float:
        low, high = (math.log(self.x0), math.log(self.x1)) if self.log else (self.x0, self.x1)
        at = math.log(max(value, self.x0)) if self.log else value
        return self.left + (at - low) / ((high - low) or 1) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        return self.height - self.bottom - (value - self.y0) / ((self.y1 - self.y0) or 1) * self.plot_height

    @property
    def plot_height(self) -> int:
        return self.height - self.top - self.bottom


def svg(frame: Frame, parts: Iterable[str], label: str) -> str:
    """A drawing that scales with the page; `label` is what a screen reader says."""
    view = f"0 0 {frame.width} {frame.height}"
    return f'<svg viewBox="{view}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 x 10^n apart) within low..high."""
    if not high > low:
        return [low]
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [first * step + i * step for i in range(int((high - first * step) / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten within low..high."""
    return [10.0**power for power in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)]


def text(x: float, y: float, words: str, css: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{escape(words)}</text>'


def segment(x0: float, y0: float, x1: float, y1: float, css: str) -> str:
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" class="{css}"/>'


def axes(frame: Frame, x_ticks: dict[float, str], y_ticks: dict[float, str]) -> str:
    """Horizontal grid lines with their values at the left, and the x values below."""
    base, end = frame.height - frame.bottom, frame.width - frame.right
    parts = [segment(frame.left, base, end, base, "axis")]
    for value, words in y_ticks.items():
        y = frame.y(value)
        parts += [segment(frame.left, y, end, y, "grid"), text(frame.left - 8, y + 4, words, "tick", "end")]
    for value, words in x_ticks.items():
        x = frame.x(value)
        parts += [segment(x, base, x, base + 4, "axis"), text(x, base + 18, words, "tick", "middle")]
    return "".join(parts)


def line(frame: Frame, xs: Sequence[float], ys: Sequence[float], css: str) -> str:
    """A line through the points; it breaks where a value is not a number."""
    path, pen = [], "M"
    for x, y in zip(xs, ys, strict=True):
        if math.isfinite(y):
            path.append(f"{pen}{frame.x(x):.1f} {frame.y(y):.1f}")
            pen = "L"
        else:
            pen = "M"
    return f'<path d="{"".join(path)}" class="line {css}"/>'


def steps(frame: Frame, xs: Sequence[float], ys: Sequence[float], css: str, closed: bool = False) -> str:
    """A value that holds until the next one, up to the frame's end; closed: filled down to zero."""
    if not xs:
        return ""
    path = [f"M{frame.x(xs[0]):.1f} {frame.y(0 if closed else ys[0]):.1f}"]
    for x, y in zip(xs, ys, strict=True):
        path.append(f"H{frame.x(x):.1f}V{frame.y(y):.1f}")
    path.append(f"H{frame.x(frame.x1):.1f}")
    if closed:
        path.append(f"V{frame.y(0):.1f}Z")
    return f'<path d="{"".join(path)}" class="{css}"/>'


def area(frame: Frame, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], css: str) -> str:
    """The band between two lines, in pieces where a value is not a number."""
    pieces, piece = [], []
    for x, low, high in zip(xs, lows, highs, strict=True):
        if math.isfinite(low) and math.isfinite(high):
            piece.append((frame.x(x), frame.y(low), frame.y(high)))
        elif piece:
            pieces, piece = [*pieces, piece], []
    paths = []
    for points in [*pieces, piece]:
        there = "L".join(f"{x:.1f} {high:.1f}" for x, _, high in points)
        back = "L".join(f"{x:.1f} {low:.1f}" for x, low, _ in reversed(points))
        paths.append(f"M{there}L{back}Z" if points else "")
    return f'<path d="{"".join(paths)}" class="{css}"/>'


def mark(shape: str, x: float, y: float, css: str, words: str = "") -> str:
    """A dot, an up or down triangle or a cross of some 10 px; `words` appear when pointed at."""
    points = {
        "up": f"M{x:.1f} {y - 6:.1f}l5.5 10h-11z", "down": f"M{x:.1f} {y + 6:.1f}l5.5-10h-11z",
        "cross": f"M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8", "dot": f"M{x - 4:.1f} {y:.1f}a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    }  # fmt: skip
    return f'<path d="{points[shape]}" class="{css}"><title>{escape(words)}</title></path>'


def histogram(buckets: list[tuple[float, int]], say: Callable[[float], str], label: str, bins: int = 24) -> str:
    """Bars of (value, count) on a logarithmic x axis; values below 1 count as 1."""
    low = max(min(value for value, _ in buckets), 1) * 0.8
    high = max(max(value for value, _ in buckets), 1) * 1.25
    counts = [0] * bins
    for value, count in buckets:
        place = math.log(max(value, 1) / low) / math.log(high / low)
        counts[min(int(place * bins), bins - 1)] += count
    frame = Frame(low, high, 0, max(counts), width=520, height=220, left=48, log=True)
    edges = [low * (high / low) ** (i / bins) for i in range(bins + 1)]
    bars = []
    for i, count in enumerate(counts):
        x, wide, y = frame.x(edges[i]), frame.x(edges[i + 1]) - frame.x(edges[i]) - 1.5, frame.y(count)
        words = escape(f"{say(edges[i])} to {say(edges[i + 1])}: {count}")
        box = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{frame.height - frame.bottom - y:.1f}"'
        bars.append(f'<rect {box} class="bar"><title>{words}</title></rect>' if count else "")
    shown = [low * 1.25 * (high / low / 1.5625) ** (i / 4) for i in range(5)] if high / low > 1.7 else [low * 1.25]
    whole = {tick: f"{tick:,.0f}" for tick in nice_ticks(0, max(counts), 4) if tick == int(tick)}
    return svg(frame, [axes(frame, {x: say(x) for x in shown}, whole), *bars], label)

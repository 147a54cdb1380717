"""The figure and the tables of `scale`: python -m bench.scale_page FIGURES.json; docs/scale.svg, and tables."""

import sys
from pathlib import Path

import msgspec

from bench.scale_load import Load
from bench.scale_size import Size
from desk.demo import ROOT
from desk.report_svg import Frame, axes, line, log_ticks, mark, segment, svg, text

_WIDTH, _HEIGHT = 1060, 640
_STYLE = (
    "<style>text{font:13px sans-serif;fill:#444}.name{font-weight:600}.axis{stroke:#888}.grid{stroke:#ddd}"
    ".line{fill:none;stroke-width:2}.a{stroke:#1565c0}.b{stroke:#c62828}.c{stroke:#2e7d32}.fa{fill:#1565c0}"
    ".fb{fill:#c62828}.fc{fill:#2e7d32}.limit{stroke:#c62828;stroke-dasharray:5 4}</style>"
)
_BEAT_MS = 50.0
Point = tuple[float, float]


class _Figures(msgspec.Struct):
    sizes: list[Size]
    loads: list[Load]


def _panel(title: str, lines: list[tuple[str, str, list[Point]]], left: int, top: int, limit: float = 0.0) -> str:
    """Lines on two logarithmic scales: (name, css, points)."""
    xs = [x for _, _, points in lines for x, _ in points]
    ys = [y for _, _, points in lines for _, y in points] + ([limit] if limit else [])
    low, high = min(ys) / 1.5, max(ys) * 1.5
    frame = Frame(min(xs), max(xs), 0.0, 1.0, width=_WIDTH // 2, height=_HEIGHT // 2, left=64, right=130, top=34,
                  log=True)  # fmt: skip
    scale = Frame(low, high, 0.0, 1.0, left=0, right=0, width=1, log=True)  # a logarithm from 0 to 1
    parts = [text(8, 18, title, "name"), axes(frame, {x: f"{x:,.0f}" for x in log_ticks(min(xs), max(xs))},
             {scale.x(y): f"{y:g}" for y in log_ticks(low, high)})]  # fmt: skip
    for name, css, points in lines:
        heights = [scale.x(y) for _, y in points]
        parts.append(line(frame, [x for x, _ in points], heights, css))
        parts += [mark("dot", frame.x(x), frame.y(height), f"f{css}", f"{name}: {y:.3g}")
                  for (x, y), height in zip(points, heights, strict=True)]  # fmt: skip
        parts.append(text(frame.x(points[-1][0]) + 10, frame.y(heights[-1]) + 4, name, f"f{css}"))
    if limit:
        y = frame.y(scale.x(limit))
        parts.append(segment(frame.left, y, frame.width - frame.right, y, "limit"))
    return f'<g transform="translate({left},{top})">{"".join(parts)}</g>'


def drawing(sizes: list[Size], loads: list[Load]) -> str:
    """Cost against size, in four panels."""
    spreads = [one for one in sizes if one.instruments == sizes[0].instruments]
    instruments = [one for one in sizes if one.spreads == 10]
    right, below = _WIDTH // 2, _HEIGHT // 2
    panels = [
        _panel("us a quote, by spreads", [
            ("of a leg", "a", [(one.spreads, one.quote_us_p50) for one in spreads]),
            ("of the rate", "b", [(one.spreads, one.rate_us_p50) for one in spreads]),
        ], 0, 0),
        _panel("ms a beat with 10 spreads, by instruments", [
            ("with its sample", "a", [(one.instruments, one.sample_ms_p50) for one in instruments]),
            ("without", "c", [(one.instruments, one.beat_ms_p50) for one in instruments]),
        ], right, 0, _BEAT_MS),
        _panel("start and memory, by instruments", [
            ("s to start", "a", [(one.instruments, one.start_s) for one in instruments]),
            ("MB anonymous", "c", [(one.instruments, one.rss_anon_mb) for one in instruments]),
        ], 0, below),
        _panel("us late, by quotes a second", [
            ("p99", "b", [(one.rate, one.late_us_p99) for one in loads]),
            ("p50", "a", [(one.rate, one.late_us_p50) for one in loads]),
        ], right, below),
    ]  # fmt: skip
    whole = Frame(0, 1, 0, 1, width=_WIDTH, height=_HEIGHT)
    drawn = svg(whole, [_STYLE, *panels], "What an engine costs by its size and by its load")
    return drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def tables(sizes: list[Size], loads: list[Load]) -> str:
    lines = ["| instruments | spreads | a quote, us p50 / p99 | the rate's, us | a beat / with its sample / first, ms "
             "| start, s | memory, MB (state) |", "|---|---|---|---|---|---|---|"]  # fmt: skip
    lines += [f"| {one.instruments:,} | {one.spreads:,} | {one.quote_us_p50:.2f} / {one.quote_us_p99:.2f} | "
              f"{one.rate_us_p50:.2f} | {one.beat_ms_p50:.2f} / {one.sample_ms_p50:.1f} / {one.beat_ms_max:.0f} | "
              f"{one.start_s:.2f} | {one.rss_anon_mb:.0f} ({one.state_mb:.1f}) |" for one in sizes]  # fmt: skip
    lines += ["", "| quotes a second | told | merged | us a message | late, us p50 / p99 | latest, ms | unread at "
              "most, KB |", "|---|---|---|---|---|---|---|"]  # fmt: skip
    lines += [f"| {one.rate:,} | {one.told:,} | {one.merged / one.messages:.0%} | {one.service_us:.2f} | "
              f"{one.late_us_p50:,.0f} / {one.late_us_p99:,.0f} | {one.late_ms_max:.1f} | "
              f"{one.backlog_bytes / 1024:,.0f} |" for one in loads]  # fmt: skip
    return "\n".join(lines)


def main(file: Path) -> int:
    details = msgspec.json.decode(file.read_bytes())["details"]["scale"]["details"]
    found = msgspec.convert(details, _Figures)
    (ROOT / "docs" / "scale.svg").write_text(drawing(found.sizes, found.loads), encoding="utf-8")
    print(tables(found.sizes, found.loads))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

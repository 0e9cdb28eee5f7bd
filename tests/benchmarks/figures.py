# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark of bootstrap found, as the table and the plot of docs/bootstrap.md: nobody types a figure.

python -m tests.benchmarks.figures      # of all runs of make bench-bootstrap that .bench holds
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from tests.benchmarks.costs import FOLDER

Row = Mapping[str, Any]
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, PLOT = DOCS / "bootstrap.md", DOCS / "bootstrap-cost.svg"
BEGIN, END = "<!-- BEGIN figures of tests/benchmarks -->\n", "<!-- END figures of tests/benchmarks -->\n"
OURS, LOOP = "fleet", "flux, a loop"
TITLES = {
    OURS: "ours",
    LOOP: "a loop of Flux's own",
    "flux, xargs -P": "the same by `xargs -P`",
    "a task per object": "a task for each object",
}
COLOURS = dict(zip(TITLES, ("#1f6feb", "#d1242f", "#bf8700", "#57606a"), strict=True))
_LEFT, _TOP, _STEP, _WIDTH, _FOOT = 190, 44, 26, 820, 34


def runs() -> list[list[Row]]:
    """What all runs found that are kept, the oldest first."""
    files = sorted(FOLDER.glob("bootstrap*.json"), key=lambda path: path.stat().st_mtime)
    return [json.loads(path.read_text()) for path in files]


def cases(found: Iterable[Sequence[Row]]) -> list[str]:
    """The names of all cases: clusters before hosts, few before many, empty before nothing to do."""

    def order(case: str) -> tuple[bool, int, str]:
        number, what, *_rest = case.split()
        return "host" in what, int(number), case

    return sorted({row["case"] for rows in found for row in rows}, key=order)


def seconds(rows: Sequence[Row], case: str, way: str) -> float | None:
    """What a way took in one run; None where it was not measured."""
    field, wanted = ("ours_s", None) if way == OURS else ("peer_s", way)
    found = (row[field] for row in rows if row["case"] == case and wanted in (None, row["peer"]))
    return next(found, None)


def table(found: Sequence[Sequence[Row]]) -> str:
    """Seconds of each run, and the ratios to ours."""
    lines = ["| | " + " | ".join(TITLES.values()) + " |", "|---" * (len(TITLES) + 1) + "|"]
    for case in cases(found):
        cells = [_cell(found, case, way) for way in TITLES]
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(found: Sequence[Sequence[Row]], case: str, way: str) -> str:
    every = [value for rows in found if (value := seconds(rows, case, way)) is not None]
    if not every:
        return ""
    text = " · ".join(f"{value:.1f}" for value in every)
    if way == OURS:
        return text
    rows = [row for rows in found for row in rows if row["case"] == case and row["peer"] == way]
    ratios = " · ".join(f"{row['ratio']:.3g}" for row in rows if row["ratio"] is not None)
    goal = next((f", goal {row['goal']:g}" for row in rows if row["goal"] is not None), "")
    ready = [f"{row['peer_ready']} of {row['clusters']} ready" for row in rows if _failed(row)]
    return f"{text} ({ratios}{goal})" + (f", {' · '.join(ready)}" if ready else "")


def _failed(row: Row) -> bool:
    return row.get("peer_ready", 0) < row.get("clusters", 0)


def other(found: Sequence[Sequence[Row]]) -> str:
    """What else was counted, over all runs."""
    rows = [row for one in found for row in one]
    again = [row for row in rows if "nothing to do" in row["case"] and (row.get("clusters") or row["hosts"]) > 1]
    many = [row for row in rows if "hosts" in row]
    cold = {row["case"]: row for row in rows if row["case"].endswith("empty") and row["peer"] == LOOP}
    pushes = ", ".join(f"{row['ours_pushes']} and {row['peer_pushes']} ({case})" for case, row in cold.items())
    said = [
        f"- pushes of a run and of the loop: {pushes}; with nothing to do {_range(again, 'ours_pushes')}",
        (
            f"- tasks for each host with nothing to do (all but the first, which also runs what one runs for all): "
            f"{_range(again, 'host_tasks')} (at most 5)"
        ),
        (
            f"- the API of each cluster with nothing to do: {_range(many, 'api_reads')} reads (at most 15), "
            f"{_range(many, 'api_writes')} writes"
        ),
        f"- the largest process of a run, each fork counted alone: {_range(rows, 'ours_peak_mb')} MB (at most 120)",
    ]
    return "\n".join(said) + "\n"


def _range(rows: Iterable[Row], field: str) -> str:
    values = sorted({row[field] for row in rows if field in row})
    return "not measured" if not values else str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}"


def plot(found: Sequence[Sequence[Row]]) -> str:
    """A row for each case, a dot for each way and run, on a logarithmic scale of seconds; an SVG."""
    rows = cases(found)
    dots = [
        (place, way, value)
        for place, case in enumerate(rows)
        for way in TITLES
        for one in found
        if (value := seconds(one, case, way)) is not None
    ]
    ticks = [
        tick for tick in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000) if tick <= 2 * max(d[2] for d in dots)
    ]
    bottom = _TOP + _STEP * len(rows)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + _FOOT}" '
            'font-family="sans-serif" font-size="12">'
        ),
        "<title>Seconds of a bootstrap, by the ways to do it</title>",
        f'<rect width="{_WIDTH}" height="{bottom + _FOOT}" fill="white"/>',
    ]
    for number, (way, title) in enumerate(TITLES.items()):
        x = _LEFT + number * 155
        parts.append(f'<circle cx="{x}" cy="18" r="5" fill="{COLOURS[way]}"/>')
        parts.append(f'<text x="{x + 10}" y="22">{escape(title.replace("`", ""))}</text>')
    for tick in ticks:
        x = _across(tick, ticks)
        parts.append(f'<line x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{bottom}" stroke="#d8dee4"/>')
        parts.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{tick:g} s</text>')
    for place, case in enumerate(rows):
        parts.append(f'<text x="{_LEFT - 12}" y="{_down(place) + 4}" text-anchor="end">{escape(case)}</text>')
    parts += [
        f'<circle cx="{_across(value, ticks)}" cy="{_down(place)}" r="5" fill="{COLOURS[way]}" fill-opacity="0.75"/>'
        for place, way, value in dots
    ]
    return "\n".join([*parts, "</svg>", ""])


def _across(value: float, ticks: Sequence[float]) -> float:
    first, last = math.log(ticks[0]), math.log(ticks[-1])
    return round(_LEFT + (_WIDTH - _LEFT - 30) * (math.log(value) - first) / (last - first), 1)


def _down(place: int) -> int:
    return _TOP + _STEP * place + _STEP // 2


def page(text: str, found: Sequence[Sequence[Row]]) -> str:
    """The guide with what was found in place of what it says between the marks."""
    before, _begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{PAGE} lacks the lines {BEGIN.strip()} and {END.strip()}")
    body = f"{table(found)}\n![seconds of a bootstrap, by the ways to do it]({PLOT.name})\n\n{other(found)}"
    return f"{before}{BEGIN}{body}{END}{after}"


if __name__ == "__main__":
    every = runs()
    if not every:
        raise SystemExit(f"{FOLDER} holds nothing: make bench-bootstrap")
    PAGE.write_text(page(PAGE.read_text(), every))
    PLOT.write_text(plot(every))
    print(table(every) + "\n" + other(every))

# Copyright: fluxops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks found, as the tables and the plots of the guides: nobody types a figure.

python -m tests.benchmarks.figures      # of all runs of these benchmarks that .bench holds
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from tests.benchmarks.costs import FOLDER

Row = Mapping[str, Any]
Runs = Sequence[Sequence[Row]]
DOCS = Path(__file__).resolve().parents[2] / "docs"
OURS, LOOP = "fleet", "flux, a loop"
COLOURS = ("#1f6feb", "#d1242f", "#bf8700", "#57606a")
_LEFT, _TOP, _STEP, _WIDTH, _FOOT = 190, 44, 26, 820, 34


@dataclass(frozen=True)
class Guide:
    """A guide that shows a benchmark: ``ways`` are what the ways to do it are called in it, ours first."""

    benchmark: str
    page: Path
    title: str
    ways: Mapping[str, str]
    order: Callable[[str], Any]
    other: Callable[[Runs], str]
    plotted: bool = True

    @property
    def image(self) -> Path:
        """The plot's file, beside the page."""
        return self.page.with_name(f"{self.page.stem}-cost.svg")

    @property
    def marks(self) -> tuple[str, str]:
        """The lines of the page that the figures stand between."""
        begin, end = (f"<!-- {word} figures of tests/benchmarks: {self.benchmark} -->\n" for word in ("BEGIN", "END"))
        return begin, end

    def runs(self) -> Runs:
        """What all runs found that are kept, the oldest first."""
        files = sorted(FOLDER.glob(f"{self.benchmark}*.json"), key=lambda path: path.stat().st_mtime)
        return [json.loads(path.read_text()) for path in files]

    def cases(self, found: Runs) -> list[str]:
        """The names of all cases, in the guide's order."""
        return sorted({row["case"] for rows in found for row in rows}, key=self.order)


def seconds(rows: Sequence[Row], case: str, way: str) -> float | None:
    """What a way took in one run; None where it was not measured."""
    field, wanted = ("ours_s", None) if way == OURS else ("peer_s", way)
    found = (row[field] for row in rows if row["case"] == case and wanted in (None, row["peer"]))
    return next(found, None)


def table(guide: Guide, found: Runs) -> str:
    """Seconds of each run, and the ratios to ours."""
    lines = ["| | " + " | ".join(guide.ways.values()) + " |", "|---" * (len(guide.ways) + 1) + "|"]
    for case in guide.cases(found):
        cells = [_cell(found, case, way) for way in guide.ways]
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(found: Runs, case: str, way: str) -> str:
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
    return "peer_ready" in row and bool(row["peer_ready"] < row["clusters"])


def of_bootstrap(found: Runs) -> str:
    """What else was counted of bootstraps, over all runs."""
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


def of_tenants(found: Runs) -> str:
    """What else was counted of onboardings, over all runs."""
    rows = [row for one in found for row in one]
    more = [(row["tenants"], row["ours_s"]) for row in rows if "one more" in row["case"]]
    few, many = min(more), max(more)
    changing = [row for row in rows if row["ours_commits"]]
    times = f"{many[1]:.1f} s where there are {many[0]}, {few[1]:.1f} s where there is {few[0]}"
    said = [
        f"- one tenant more: {times} (at most 1.5 times as long)",
        f"- pushes of a run that changes something: {_range(changing, 'ours_pushes')}",
        f"- the largest process of a run: {_range(rows, 'ours_peak_mb')} MB (at most 250 for 1000 tenants)",
    ]
    return "\n".join(said) + "\n"


def of_infrastructure(found: Runs) -> str:
    """What else was counted of infrastructure, over all runs."""
    rows = [row for one in found for row in one]
    limited = [row for row in rows if "goal_s" in row]
    most = ", ".join(f"{row['ours_s']:.1f} s ({row['case']}, at most {row['goal_s']:g})" for row in limited)
    changing = [row for row in rows if row["ours_commits"]]
    said = [
        f"- to plan and commit it all: {most or 'not measured'}",
        f"- pushes of a run that changes something: {_range(changing, 'ours_pushes')}",
        f"- files that one changed value touches: {_range(rows, 'files')}",
        f"- the largest process of a run: {_range(rows, 'ours_peak_mb')} MB",
    ]
    return "\n".join(said) + "\n"


def of_controllers(found: Runs) -> str:
    """Which controller took how much, over all runs."""
    said = [
        f"- {row['case']}: {_each(row['ours_by_controller'])}; {row['peer']}: {_each(row['peer_by_controller'])}"
        for one in found
        for row in one
    ]
    return "\n".join(said) + "\n"


def _each(by_controller: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {used:.1f}" for name, used in by_controller.items())


def _range(rows: Iterable[Row], field: str) -> str:
    values = sorted({row[field] for row in rows if field in row})
    return "not measured" if not values else str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}"


def plot(guide: Guide, found: Runs) -> str:
    """A row for each case, a dot for each way and run, on a logarithmic scale of seconds; an SVG."""
    rows, colours = guide.cases(found), dict(zip(guide.ways, COLOURS, strict=False))
    dots = [
        (place, way, value)
        for place, case in enumerate(rows)
        for way in guide.ways
        for one in found
        if (value := seconds(one, case, way)) is not None
    ]
    ticks = [
        tick
        for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
        if min(d[2] for d in dots) / 2.5 <= tick <= 2.5 * max(d[2] for d in dots)
    ]
    bottom = _TOP + _STEP * len(rows)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + _FOOT}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f"<title>{escape(guide.title)}</title>",
        f'<rect width="{_WIDTH}" height="{bottom + _FOOT}" fill="white"/>',
    ]
    for number, (way, title) in enumerate(guide.ways.items()):
        x = _LEFT + number * 155
        parts.append(f'<circle cx="{x}" cy="18" r="5" fill="{colours[way]}"/>')
        parts.append(f'<text x="{x + 10}" y="22">{escape(title.replace("`", ""))}</text>')
    for tick in ticks:
        x = _across(tick, ticks)
        parts.append(f'<line x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{bottom}" stroke="#d8dee4"/>')
        parts.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{tick:g} s</text>')
    for place, case in enumerate(rows):
        parts.append(f'<text x="{_LEFT - 12}" y="{_down(place) + 4}" text-anchor="end">{escape(case)}</text>')
    parts += [
        f'<circle cx="{_across(value, ticks)}" cy="{_down(place)}" r="5" fill="{colours[way]}" fill-opacity="0.75"/>'
        for place, way, value in dots
    ]
    return "\n".join([*parts, "</svg>", ""])


def _across(value: float, ticks: Sequence[float]) -> float:
    first, last = math.log(ticks[0]), math.log(ticks[-1])
    return round(_LEFT + (_WIDTH - _LEFT - 30) * (math.log(value) - first) / (last - first), 1)


def _down(place: int) -> int:
    return _TOP + _STEP * place + _STEP // 2


def page(guide: Guide, text: str, found: Runs) -> str:
    """The guide with what was found in place of what it says between the marks."""
    begin, end = guide.marks
    before, _begin, rest = text.partition(begin)
    _old, there, after = rest.partition(end)
    if not there:
        raise SystemExit(f"{guide.page} lacks the lines {begin.strip()} and {end.strip()}")
    title = guide.title[0].lower() + guide.title[1:]
    image = f"![{title}]({guide.image.name})\n\n" if guide.plotted else ""
    return f"{before}{begin}{table(guide, found)}\n{image}{guide.other(found)}{end}{after}"


def _clusters_first(case: str) -> tuple[bool, int, str]:
    number, what, *_rest = case.split()
    return "host" in what, int(number), case


def _as_done(case: str) -> tuple[int, int]:
    cases = ("at once", "nothing to do", "one more", "one value changed")
    return int(case.split(maxsplit=1)[0]), cases.index(case.rpartition(", ")[2])


GUIDES = (
    Guide(
        "bootstrap",
        DOCS / "bootstrap.md",
        "Seconds of a bootstrap, by the ways to do it",
        {
            OURS: "ours",
            LOOP: "a loop of Flux's own",
            "flux, xargs -P": "the same by `xargs -P`",
            "a task per object": "a task for each object",
        },
        _clusters_first,
        of_bootstrap,
    ),
    Guide(
        "tenants",
        DOCS / "onboarding.md",
        "Seconds of an onboarding, by the ways to do it",
        {
            OURS: "ours",
            "flux create, a loop": "a loop of `flux create`",
            "a role of templates": "a role with templates",
        },
        _as_done,
        of_tenants,
    ),
    Guide(
        "infrastructure",
        DOCS / "infrastructure.md",
        "Seconds of a run for the infrastructure, and of building every overlay",
        {OURS: "ours", "kustomize build": "`kustomize build`"},
        _as_done,
        of_infrastructure,
    ),
    Guide(
        "controllers",
        DOCS / "onboarding.md",
        "Seconds of processor that one commit costs Flux's controllers",
        {OURS: "ours", "one shared layout": "one shared layout"},
        lambda case: (int(case.split(maxsplit=1)[0]), case),
        of_controllers,
        plotted=False,
    ),
)


if __name__ == "__main__":
    every = [(guide, found) for guide in GUIDES if (found := guide.runs())]
    if not every:
        raise SystemExit(f"{FOLDER} holds nothing: make bench-bootstrap, bench-tenants, bench-infrastructure")
    for guide, found in every:
        guide.page.write_text(page(guide, guide.page.read_text(), found))
        if guide.plotted:
            guide.image.write_text(plot(guide, found))
        print(f"{guide.page.name}\n{table(guide, found)}\n{guide.other(found)}")

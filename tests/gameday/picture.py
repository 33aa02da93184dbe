# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of a scenario: acknowledged orders of each second by region, with what happened. SVG, without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 900, 240, 46, 20, 24
# Okabe and Ito: told apart by colour-blind readers.
COLOURS = ("#0072b2", "#e69f00", "#009e73")


def picture(
    title: str,
    timeline: Mapping[int, Mapping[str, int]],
    regions: Sequence[str],
    steps: Sequence[tuple[float, str]],
) -> str:
    """timeline: {second: {region: orders}}. steps: (second, text), each a numbered line with its text below."""
    last = max([*timeline, *(int(second) for second, _text in steps), 1]) + 1
    most = max((sum(counts.values()) for counts in timeline.values()), default=1)
    plot_width, plot_height = WIDTH - LEFT - 10, HEIGHT - TOP - BOTTOM
    legend_top = HEIGHT + 14

    def x(second: float) -> float:
        return round(LEFT + plot_width * second / last, 1)

    bars = []
    for second, counts in sorted(timeline.items()):
        base = HEIGHT - BOTTOM
        for region, colour in zip(regions, COLOURS, strict=False):
            height = round(plot_height * counts.get(region, 0) / most, 1)
            base = round(base - height, 1)
            if height:
                wide = round(plot_width / last * 0.9, 1)
                bars.append(f'<rect x="{x(second)}" y="{base}" width="{wide}" height="{height}" fill="{colour}"/>')
    lines = []
    for number, (second, text) in enumerate(steps, 1):
        where = x(second)
        lines += [
            f'<line x1="{where}" x2="{where}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#333" stroke-dasharray="3 3"/>',
            f'<text x="{where}" y="{TOP - 6}" text-anchor="middle">{number}</text>',
            f'<text x="{LEFT}" y="{legend_top + 16 * number}">{number}: {second:.1f} s, {escape(text)}</text>',
        ]
    names = [
        f'<text x="{LEFT + 160 * number}" y="{legend_top}" fill="{colour}">&#9632; {escape(region)}</text>'
        for number, (region, colour) in enumerate(zip(regions, COLOURS, strict=False))
    ]
    axis = [
        f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}" stroke="#333"/>',
        f'<text x="{LEFT - 6}" y="{TOP + 8}" text-anchor="end">{most}</text>',
        f'<text x="{LEFT - 6}" y="{HEIGHT - BOTTOM}" text-anchor="end">0</text>',
        *(
            f'<text x="{x(second)}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{second} s</text>'
            for second in range(0, last, 10)
        ),
    ]
    height = legend_top + 16 * len(steps) + 14
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12" role="img">'
        f"<title>{escape(title)}: acknowledged orders a second</title>"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    )
    return "\n".join([head, *bars, *lines, *axis, *names, "</svg>", ""])

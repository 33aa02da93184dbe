# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, what it is compared with, and whether that is good enough. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

MET, NOT_MET = "met", "not met"


@dataclass(frozen=True)
class Goal:
    """The most that a comparison may come to.

    kind: `times` (median / median of what it is compared with), `over` (the difference of the medians) or `itself`
    (the median alone).
    """

    kind: str
    at_most: float

    def value(self, median: float, against: float | None) -> float:
        """Raises ValueError where a comparison has nothing to compare with."""
        if self.kind == "itself":
            return median
        if against is None:
            raise ValueError(f"a goal of kind {self.kind} needs something to compare with")
        return median / against if self.kind == "times" else median - against

    def in_words(self, value: float, unit: str) -> str:
        """A value of this kind as text."""
        if self.kind == "times":
            return f"{value:.2f} x"
        return f"{figure(value, unit)}{' more' * (self.kind == 'over')}"


@dataclass(frozen=True)
class Line:
    """A line of the table.

    row: the name that ROW takes. what, against: what is compared, in words. samples, against_samples: one figure a run,
    in `unit` (s or calls). note: what a reader must know to judge the figures. evidence: goes into the JSON as it is.
    """

    row: str
    what: str
    samples: Sequence[float]
    goals: Sequence[Goal]
    against: str = ""
    against_samples: Sequence[float] = ()
    unit: str = "s"
    note: str = ""
    evidence: dict = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def against_median(self) -> float | None:
        return statistics.median(self.against_samples) if self.against_samples else None

    def values(self) -> list[float]:
        """What each goal is about, in the goals' order."""
        return [goal.value(self.median, self.against_median) for goal in self.goals]

    @property
    def verdict(self) -> str:
        is_met = all(value <= goal.at_most for goal, value in zip(self.goals, self.values(), strict=True))
        return MET if is_met else NOT_MET

    def as_dict(self) -> dict:
        goals = [
            {"kind": goal.kind, "at_most": goal.at_most, "value": round(value, 3), "met": value <= goal.at_most}
            for goal, value in zip(self.goals, self.values(), strict=True)
        ]
        return {
            "row": self.row,
            "what": self.what,
            "unit": self.unit,
            "median": self.median,
            "samples": list(self.samples),
            "against": self.against,
            "against_median": self.against_median,
            "against_samples": list(self.against_samples),
            "goals": goals,
            "verdict": self.verdict,
            "note": self.note,
            **self.evidence,
        }


def figure(value: float, unit: str) -> str:
    """A figure with its unit; calls are counted, seconds measured."""
    return f"{value:.1f} s" if unit == "s" else f"{round(value, 2):g} {unit}"

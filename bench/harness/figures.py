"""What a measurement says: ratios with their spread, and whether the goal was reached."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Spread:
    """A median with the smallest and the largest of its samples."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        operation: What was done.
        goal: What was to be reached, as a person says it.
        measured: What came out, with its spread.
        times: Ours and git's.
        reached: None when it was not measured.
        gap: By how much the goal was missed, or why it was not measured.
        notes: Further figures that belong to it.
        samples: The raw numbers, for `--json`.
    """

    operation: str
    goal: str
    measured: str = ""
    times: str = ""
    reached: bool | None = None
    gap: str = ""
    notes: tuple[str, ...] = ()
    samples: dict[str, list[float]] = field(default_factory=dict)


def spread(values: Sequence[float]) -> Spread:
    """Return median, smallest, largest."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(over: Sequence[float], under: Sequence[float]) -> Spread:
    """Divide pair by pair: both of a pair were measured one after the other."""
    return spread([a / b for a, b in zip(over, under, strict=True)])


def faster(
    operation: str,
    *,
    git: Sequence[float],
    ours: Sequence[float],
    goal: float,
    notes: Sequence[str] = (),
    limit_ms: float | None = None,
) -> Row:
    """Return the row of something that is to be `goal` times faster than git's."""
    found = ratios(git, ours)
    own = statistics.median(ours)
    missed = []
    if found.middle < goal:
        missed.append(f"{goal / found.middle:.2g}× short")
    if limit_ms is not None and own > limit_ms:
        missed.append(f"{own - limit_ms:.1f} ms over")
    limit = "" if limit_ms is None else f", ≤{limit_ms:g} ms"
    best = f"Least disturbed: {duration(min(ours))} / {duration(min(git))}, "
    best += f"{_number(min(git) / min(ours))}×."
    return Row(
        operation=operation,
        goal=f"≥ {goal:g}×{limit}",
        measured=_times(found),
        times=f"{duration(own)} / {duration(statistics.median(git))}",
        reached=not missed,
        gap=", ".join(missed),
        notes=(*([best] if missed else []), *notes),
        samples={"ours_ms": list(ours), "git_ms": list(git)},
    )


def within(
    operation: str,
    *,
    base: Sequence[float],
    ours: Sequence[float],
    goal: float,
    notes: Sequence[str] = (),
) -> Row:
    """Return the row of something that may cost at most `goal` times what `base` costs."""
    found = ratios(ours, base)
    return Row(
        operation=operation,
        goal=f"≤ {goal:g}×",
        measured=_times(found),
        times=f"{duration(statistics.median(ours))} / {duration(statistics.median(base))}",
        reached=found.middle <= goal,
        gap="" if found.middle <= goal else f"{found.middle / goal:.2g}× over",
        notes=tuple(notes),
        samples={"ours_ms": list(ours), "base_ms": list(base)},
    )


def skipped(operation: str, goal: str, why: str) -> Row:
    """Return the row of something that can't be measured here."""
    return Row(operation=operation, goal=goal, measured="not measured", gap=why)


def duration(milliseconds: float) -> str:
    """Write a time as short as it can be read."""
    if milliseconds >= 10_000:
        return f"{milliseconds / 1000:.1f} s"
    if milliseconds >= 1_000:
        return f"{milliseconds / 1000:.2f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{milliseconds:.1f} ms"


def size(number: float) -> str:
    """Write bytes as kB or MB (powers of ten)."""
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.0f} kB"


def _times(found: Spread) -> str:
    return f"{_number(found.middle)}× ({_number(found.low)}–{_number(found.high)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 3 else f"{value:.2f}"

"""Small pieces of the report: numbers, tables, cards and marks."""

from collections.abc import Sequence
from html import escape


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Lay out names and values."""
    lines = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>"
        for name, value in rows
    )
    return f"<table><tbody>{lines}</tbody></table>"


def card(value: str, title: str) -> str:
    """Show one figure large; `value` is HTML."""
    return f'<div class="card"><b>{value}</b><span>{escape(title)}</span></div>'


def estimate(estimate: dict[str, float | None]) -> str:
    """Write a value with its interval."""
    return f'{number(estimate["value"])} <span class="ci">{interval(estimate)}</span>'


def interval(estimate: dict[str, float | None], *, signed: bool = False) -> str:
    """Write an interval in brackets; nothing where there is none."""
    low, high = estimate["low"], estimate["high"]
    if low is None or high is None:
        return ""
    form = "+.3f" if signed else ".3f"
    return f"[{low:{form}}, {high:{form}}]"


def mark(hit: bool) -> str:
    """Tick or cross."""
    return f'<span class="{"good" if hit else "bad"}">{"✓" if hit else "✗"}</span>'


def number(value: float | None) -> str:
    """Write three digits, or a dash for what is unknown."""
    return "–" if value is None else f"{value:.3f}"


def percent(value: float | None) -> str:
    """Write a share in whole percent."""
    return "–" if value is None else f"{100 * value:.0f} %"


def rounded(value: float | None, unit: str) -> str:
    """Write a whole number with its unit."""
    return "–" if value is None else f"{value:.0f} {unit}"


def with_unit(value: float | None, unit: str) -> str:
    """Write a number in its unit, shares as percent."""
    if value is None:
        return "–"
    if unit == "%":
        return f"{100 * value:.1f} %"
    return f"{value:.0f} ms" if unit == "ms" else f"{value:.2f}{unit}"

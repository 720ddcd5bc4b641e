"""Drawing in SVG: scales with round ticks, plot frames, marks. Colours are CSS classes of the page.

Kept small on purpose: the report must stand alone in one file, follow light and dark, and need no
plotting library on the machine that runs the demo.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]

_ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICK_MARK = 4


@dataclass(frozen=True)
class Scale:
    """Maps values of [low, high] to pixels of [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value; values outside are cut to the ends."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """About `count` round values within the range."""
        rough = (self.high - self.low) / count
        magnitude = 10 ** math.floor(math.log10(rough))
        step = next(s * magnitude for s in _ROUND_STEPS if s * magnitude >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def padded(values: Iterable[float], *, floor: float | None = None) -> tuple[float, float]:
    """A range that holds the values with some air, from `floor` on where it is given."""
    known = list(values) or [0.0, 1.0]
    low, high = min(known), max(known)
    air = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return (low - air if floor is None else floor), high + air


def format_tick(value: float) -> str:
    """A tick's label: plain, with thin thousands, without a tail of zeros."""
    if value == round(value):
        return f"{round(value):,}".replace(",", "\u2009").replace("-", "\u2212")
    return f"{value:g}".replace("-", "\u2212")


class Drawing:
    """A list of SVG elements."""

    def __init__(self, width: int, height: int, *, title: str) -> None:
        self.width = width
        self.height = height
        self._title = title
        self._elements: list[str] = []

    def rect(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """A filled rectangle."""
        self._elements.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
            f'height="{max(height, 0):.1f}"/>'
        )

    def line(self, start: Point, end: Point, kind: str) -> None:
        """A straight line."""
        self._elements.append(
            f'<line class="{kind}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" '
            f'x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'
        )

    def path(self, points: Sequence[Point], kind: str) -> None:
        """A line through the points."""
        if points:
            steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            self._elements.append(f'<path class="{kind}" d="M{steps}"/>')

    def dot(self, x: float, y: float, radius: float, kind: str, tip: str = "") -> None:
        """A circle; `tip` is shown while the pointer rests on it."""
        title = f"<title>{escape(tip)}</title>" if tip else ""
        self._elements.append(
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}">{title}</circle>'
        )

    def text(self, x: float, y: float, text: str, kind: str = "label", anchor: str = "") -> None:
        """A line of text; `anchor` is start, middle or end."""
        anchored = f' text-anchor="{anchor}"' if anchor else ""
        self._elements.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}"{anchored}>{escape(text)}</text>'
        )

    def render(self) -> str:
        """The SVG element; scales with the page's width."""
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{escape(self._title)}">\n' + "\n".join(self._elements) + "\n</svg>"
        )


@dataclass(frozen=True)
class Frame:
    """A plot's area with its two scales."""

    drawing: Drawing
    x: Scale
    y: Scale

    def at(self, x: float, y: float) -> Point:
        """The pixel of a pair of values."""
        return self.x(x), self.y(y)

    def axes(self, *, y_title: str, x_title: str = "", y_ticks: int = 4, x_ticks: int = 8) -> None:
        """Grid lines and labels of y, labels of x, and the titles."""
        bottom = self.y.start
        for value in self.y.ticks(y_ticks):
            height = self.y(value)
            self.drawing.line((self.x.start, height), (self.x.end, height), "grid")
            self.drawing.text(self.x.start - 8, height + 4, format_tick(value), anchor="end")
        for value in self.x.ticks(x_ticks):
            place = self.x(value)
            self.drawing.line((place, bottom), (place, bottom + _TICK_MARK), "axis")
            if x_title:
                self.drawing.text(place, bottom + 18, format_tick(value), anchor="middle")
        self.drawing.line((self.x.start, bottom), (self.x.end, bottom), "axis")
        self.drawing.text(self.x.start, self.y.end - 8, y_title, "axis-title")
        if x_title:
            self.drawing.text(self.x.end, bottom + 36, x_title, "axis-title", anchor="end")

    def series(self, points: Iterable[Point], kind: str) -> None:
        """A line through pairs of values."""
        self.drawing.path([self.at(x, y) for x, y in points], kind)

    def band(self, x_start: float, x_end: float, kind: str) -> None:
        """A background from one value of x to another."""
        left, right = self.x(x_start), self.x(x_end)
        self.drawing.rect(left, self.y.end, right - left, self.y.start - self.y.end, kind)


def histogram(values: Sequence[float], bins: int, high: float) -> list[int]:
    """Counts of the values in equal bins from 0 to `high`; what is beyond is in the last bin."""
    counts = [0] * bins
    for value in values:
        counts[min(int(value / high * bins), bins - 1)] += 1
    return counts

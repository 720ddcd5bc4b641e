"""The live screen of a run on a terminal."""

from collections import Counter, deque
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aimlctl.record import DecisionMade, Step
from aimlctl.views import short_trigger

_LIFECYCLE = (
    "trained",
    "published",
    "tested",
    "approved",
    "loaded",
    "activated",
    "degraded",
    "retrained",
    "rolled_back",
)
_SHOWN_DECISIONS = 8
_REFRESH_PER_S = 8


class LiveView:
    """Lifecycle, progress, counters and the latest decisions; notes scroll by above."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._title = ""
        self._what = ""
        self._done, self._total = 0.0, 1.0
        self._reached: dict[str, Step] = {}
        self._decisions: deque[DecisionMade] = deque(maxlen=_SHOWN_DECISIONS)
        self._by_type: Counter[str] = Counter()
        self._gain_bps_hz = 0.0
        self._live = Live(
            get_renderable=self._render, console=console, refresh_per_second=_REFRESH_PER_S
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self._live.stop()

    def act(self, title: str) -> None:
        """The title of the screen, and a line that stays."""
        self._title = title
        self._console.print(Text(title, style="bold cyan"))

    def note(self, sentence: str) -> None:
        """A line that stays."""
        self._console.print(Text(f"  {sentence}", style="dim"))

    def step(self, step: Step) -> None:
        """A line that stays, and a mark in the row of steps."""
        self._reached[step.word] = step
        self._console.print(
            Text.assemble((f"  {step.word.replace('_', ' '):<11}", "bold green"), step.detail)
        )

    def decision(self, decision: DecisionMade) -> None:
        """A row of the table."""
        self._decisions.append(decision)
        self._by_type[short_trigger(decision.trigger_type)] += 1
        self._gain_bps_hz += decision.after_bps_hz - decision.before_bps_hz

    def progress(self, what: str, done: float, total: float) -> None:
        """The bar."""
        self._what, self._done, self._total = what, done, max(total, 1e-9)

    def _render(self) -> RenderableType:
        parts: list[RenderableType] = [self._steps(), self._bar()]
        if self._decisions:
            parts += [self._counters(), self._table()]
        return Panel(Group(*parts), title=self._title, title_align="left", border_style="cyan")

    def _steps(self) -> Text:
        text = Text()
        for word in _LIFECYCLE:
            step = self._reached.get(word)
            version = f" v{step.version}" if step and step.version else ""
            label = f"{'✓' if step else '·'} {word.replace('_', ' ')}{version}"
            # A mark and its word stay on one line.
            text.append(label.replace(" ", "\u00a0") + "  ", "green" if step else "dim")
        return text

    def _bar(self) -> Table:
        row = Table.grid(padding=(0, 1))
        percent = 100 * min(self._done / self._total, 1.0)
        row.add_row(
            Text(f"{self._what:<28}"),
            ProgressBar(total=self._total, completed=self._done, width=40, complete_style="cyan"),
            Text(f"{percent:3.0f} %"),
        )
        return row

    def _counters(self) -> Text:
        total = sum(self._by_type.values())
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self._by_type.items()))
        mean = self._gain_bps_hz / total
        return Text(f"{total} decisions ({kinds}), on average {mean:+.1f} b/s/Hz", style="bold")

    def _table(self) -> Table:
        table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
        for column in ("Pass", "Trigger", "Before", "After", "Model", "Reliability", "Latency"):
            table.add_column(column, justify="left" if column in {"Trigger", "Model"} else "right")
        for decision in self._decisions:
            table.add_row(
                f"{decision.sim_offset_s:.0f} s",
                short_trigger(decision.trigger_type),
                f"{decision.before_bps_hz:.1f}",
                Text(f"{decision.after_bps_hz:.1f}", style="green"),
                f"v{decision.model_version}" if decision.source == "MODEL" else "fallback",
                f"{decision.reliability:.2f}",
                f"{decision.trigger_to_applied_ms:.0f} ms",
            )
        return table

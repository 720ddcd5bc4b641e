"""The end of a demo run on one screen."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console

from aimlctl.output import table_of

Document = Mapping[str, Any]


def show_summary(console: Console, document: Document) -> None:
    """Prints what the demo's JSON document says."""
    rows = [*_story(document), *_figures(document)]
    console.print()
    console.print("One satellite pass", style="bold")
    console.print(table_of(("", ""), rows))


def _story(document: Document) -> Iterator[tuple[str, str]]:
    triggers = [f"{count} {kind.split('.')[3]}" for kind, count in document["triggers"].items()]
    decisions = document["decisions"]
    yield "lifecycle", " → ".join(word.replace("_", " ") for word in document["lifecycle"])
    yield "pass", f"{document['duration_s']:g} s simulated, seed {document['seed']}"
    yield "triggers", ", ".join(triggers) or "none"
    yield "decisions", ", ".join(f"{decisions[key]} {key}" for key in ("made", "applied", "failed"))
    yield "events lost", str(document["lost_events"])


def _figures(document: Document) -> Iterator[tuple[str, str]]:
    rates, latency = document["secrecy_rate_bps_hz"], document["latency_ms"]
    ratio, whole = rates["after_to_exhaustive_ratio"], latency["trigger_to_applied"]
    if rates["after_mean"] is not None:
        yield "secrecy rate", f"{rates['before_mean']:.1f} → {rates['after_mean']:.1f} b/s/Hz"
    if ratio is not None:
        searched = rates["exhaustive_sample_count"]
        yield "of exhaustive", f"{ratio:.1%} over {searched} decisions"
    if whole:
        marks = ", ".join(f"{name} {value:.1f} ms" for name, value in whole.items())
        yield "trigger to applied", marks
        engine = latency["inference"]["p50"]
        yield "inference", f"p50 {engine:.1f} ms on {document['engine']}"
    yield "wall time", f"{document['wall_time_s']:.0f} s"

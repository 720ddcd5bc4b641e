"""``report.html``: the story of one demo run in one file that loads nothing from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from aimlctl.figures import demo_document
from aimlctl.record import DemoRecord
from aimlctl.report.charts import (
    PHASE_NAMES,
    latency_chart,
    lifecycle_chart,
    pass_chart,
    secrecy_chart,
)
from aimlctl.report.style import STYLE
from aimlctl.run_file import write_atomically

REPORT_NAME = "report.html"


def write_report(folder: Path, record: DemoRecord) -> Path:
    """The written report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / REPORT_NAME
    write_atomically(path, report_html(record))
    return path


def report_html(record: DemoRecord) -> str:
    """The HTML of the report."""
    document = demo_document(record)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>aimlnf: one satellite pass</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<header>
<p class="overline">aimlnf, scenario {escape(record.scenario)}, seed {record.seed}</p>
<h1>{_headline(document)}</h1>
<p class="lead">A simulated pass of {record.duration_s:g} s over ten mobile earth stations. Every
trigger travelled over Kafka to the NWDAF, from there to the inference function, and came back as a
joint beamforming, carrier and power decision, while the model behind it was trained, tested,
approved, replaced and rolled back.</p>
</header>
{_cards(record, document)}
{_section("The model's life", _LIFECYCLE_TEXT, lifecycle_chart(record), _phase_legend())}
{_steps_table(record)}
{
        _section(
            "Secrecy rate, decision by decision",
            _secrecy_text(document),
            secrecy_chart(record),
            _SECRECY_LEGEND,
        )
    }
{_section("The pass", _TRAJECTORY_TEXT, pass_chart(record), "")}
{_section("Where the time goes", _LATENCY_TEXT, latency_chart(record), "")}
{_processes_table(record)}
</main>
</body>
</html>
"""


_LIFECYCLE_TEXT = (
    "Each row is one adaptation of the OAM. Simulated time stands still while a new version is "
    "made, so that even a short pass sees it decide."
)
_TRAJECTORY_TEXT = (
    "What the radio network measured, and when it asked for a decision. Triggers depend on the "
    "environment alone: the same seed gives the same triggers, byte for byte."
)
_LATENCY_TEXT = (
    "Wall-clock time of every hop on the way of a decision. The slowest hundredth of each hop is "
    "gathered in its last bar."
)
_SECRECY_LEGEND = (
    '<p class="legend"><span class="key key-before"></span>before the decision'
    '<span class="key key-after"></span>after it'
    '<span class="key key-in-force"></span>what is in force, tick by tick'
    '<span class="key key-bound"></span>exhaustive search on the same estimate</p>'
)


def _headline(document: dict[str, Any]) -> str:
    rates = document["secrecy_rate_bps_hz"]
    before, after = rates["before_mean"], rates["after_mean"]
    if not before or not after:
        return "No decision was made"
    return f"Decisions raised the secrecy rate from {before:.1f} to {after:.1f} b/s/Hz"


def _secrecy_text(document: dict[str, Any]) -> str:
    rates = document["secrecy_rate_bps_hz"]
    return (
        "Sum over the ten stations on the true channel, which no decision could see: just before "
        "each decision and just after it. The bound is what an exhaustive search over the same "
        "imperfect estimate would have achieved, computed for "
        f"{rates['exhaustive_sample_count']} of {document['decisions']['applied']} decisions."
    )


def _cards(record: DemoRecord, document: dict[str, Any]) -> str:
    rates, latency = document["secrecy_rate_bps_hz"], document["latency_ms"]
    ratio = rates["after_to_exhaustive_ratio"]
    whole = latency["trigger_to_applied"]
    cards = [
        ("of the exhaustive search", "n/a" if ratio is None else f"{ratio:.1%}"),
        ("decisions applied", f"{document['decisions']['applied']}"),
        ("events lost", f"{document['lost_events']}"),
        ("trigger to applied, median", f"{whole['p50']:.1f} ms" if whole else "n/a"),
        ("model versions in force", f"{len({s.version for s in record.switches})}"),
        ("wall time", f"{record.wall_time_s:.0f} s"),
    ]
    items = "".join(
        f"<li><strong>{escape(value)}</strong><span>{escape(name)}</span></li>"
        for name, value in cards
    )
    return f'<ul class="cards">{items}</ul>'


def _section(title: str, text: str, chart: str, legend: str) -> str:
    return (
        f"<section><h2>{escape(title)}</h2><p>{escape(text)}</p>{legend}"
        f"<figure>{chart}</figure></section>"
    )


def _phase_legend() -> str:
    keys = "".join(
        f'<span class="key phase-{name}-key"></span>{escape(name)}' for name in PHASE_NAMES
    )
    return f'<p class="legend">{keys}</p>'


def _steps_table(record: DemoRecord) -> str:
    rows = (
        (
            f"{step.wall_s:.1f} s",
            step.word.replace("_", " "),
            f"v{step.version}" if step.version else "",
            step.initiator,
            step.detail,
        )
        for step in record.steps
    )
    return _table("The record of the OAM", ("At", "Step", "Version", "By", "What was seen"), rows)


def _processes_table(record: DemoRecord) -> str:
    rows = (
        (name, str(pid), address, str(record.restarts.get(name, 0)))
        for name, (pid, address) in record.processes.items()
    )
    return _table("Processes", ("Network function", "Process", "gRPC address", "Restarts"), rows)


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<section><h2>{escape(title)}</h2><table><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table></section>"
    )

"""The report's pictures, each an SVG element."""

from collections.abc import Sequence

from aimlctl.figures import percentile
from aimlctl.record import HOPS, DecisionMade, DemoRecord, Tick
from aimlctl.report.svg import Drawing, Frame, Point, Scale, histogram, padded

WIDTH = 960
_LEFT = 96
_RIGHT = WIDTH - 16
_BINS = 24

# Which phase ends with a step, for the bars of the timeline.
_PHASES = {
    "trained": "training",
    "retrained": "training",
    "published": "publishing",
    "tested": "testing",
    "approved": "approval",
    "loaded": "loading",
    "activated": "activation",
    "rolled_back": "activation",
}
PHASE_NAMES = ("training", "publishing", "testing", "approval", "loading", "activation")
_KIND_NAMES = {"INITIAL": "First version", "RETRAIN": "Retraining", "ROLLBACK": "Rollback"}
_TRIGGER_NAMES = {
    "beam-quality-degraded": "Beam quality",
    "doppler-sinr-drop": "Doppler",
    "eavesdropper-detected": "Eavesdropper",
}
_LETTER_WIDTH = 7.4
_RAIN_DB = 1.0


def lifecycle_chart(record: DemoRecord) -> str:
    """Adaptations, the pass and the version in force over wall-clock time."""
    row, top, label_width = 40, 16, 130
    rows = len(record.adaptations) + 2
    drawing = Drawing(WIDTH, top + rows * row + 48, title="Lifecycle over wall-clock time")
    bottom = top + rows * row
    x = Scale(0.0, max(record.wall_time_s, 1.0), label_width, _RIGHT)
    for value in x.ticks(8):
        drawing.line((x(value), top), (x(value), bottom), "grid")
        drawing.text(x(value), bottom + 18, f"{value:g}", anchor="middle")
    drawing.text(_RIGHT, bottom + 38, "wall-clock time in s", "axis-title", anchor="end")
    for number, span in enumerate(record.adaptations):
        y = top + number * row
        drawing.text(0, y + 24, _KIND_NAMES.get(span.kind, span.kind), "row-title")
        begin_s = span.start_wall_s
        for step in record.steps:
            phase = _PHASES.get(step.word)
            if step.adaptation_id != span.adaptation_id or phase is None:
                continue
            left, right = x(begin_s), x(step.wall_s)
            drawing.rect(left, y + 9, max(right - left, 1.5), 22, f"phase-{phase}")
            _label_bar(drawing, left, right, y, phase)
            begin_s = step.wall_s
        drawing.text(x(begin_s) + 6, y + 24, f"v{span.version}", "label")
    y = top + len(record.adaptations) * row
    drawing.text(0, y + 24, "Satellite pass", "row-title")
    for stretch in record.stretches:
        left, right = x(stretch.start_wall_s), x(stretch.end_wall_s)
        drawing.rect(left, y + 9, max(right - left, 1.5), 22, "pass-bar")
        _label_bar(
            drawing, left, right, y, f"{stretch.start_sim_s:.0f} to {stretch.end_sim_s:.0f} s"
        )
    _versions_in_force(drawing, record, x, y + row)
    return drawing.render()


def _label_bar(drawing: Drawing, left: float, right: float, y: float, label: str) -> None:
    if right - left > len(label) * _LETTER_WIDTH + 8:
        drawing.text((left + right) / 2, y + 24, label, "on-phase", anchor="middle")


def _versions_in_force(drawing: Drawing, record: DemoRecord, x: Scale, y: float) -> None:
    drawing.text(0, y + 24, "Version in force", "row-title")
    activations = [s for s in record.steps if s.word in ("activated", "rolled_back")]
    for index, step in enumerate(activations):
        following = activations[index + 1 :]
        end_s = following[0].wall_s if following else record.wall_time_s
        left, right = x(step.wall_s), x(end_s)
        drawing.rect(left, y + 9, right - left, 22, f"version version-{step.version % 2}")
        drawing.text((left + right) / 2, y + 24, f"v{step.version}", "label", anchor="middle")


def secrecy_chart(record: DemoRecord) -> str:
    """Sum secrecy rate before and after each decision against the exhaustive bound."""
    top, bottom, height = 40, 300, 350
    drawing = Drawing(WIDTH, height, title="Sum secrecy rate over the pass")
    rates = [
        *(d.before_bps_hz for d in record.decisions),
        *(d.after_bps_hz for d in record.decisions),
        *record.exhaustive_bps_hz.values(),
        *(tick.sum_secrecy_rate_bps_hz for tick in record.ticks),
    ]
    low, high = padded(rates, floor=0.0)
    frame = Frame(
        drawing, Scale(0.0, record.duration_s, _LEFT, _RIGHT), Scale(low, high, bottom, top)
    )
    _version_bands(frame, record)
    frame.axes(y_title="sum secrecy rate in b/s/Hz", x_title="simulated time in s")
    decisions = sorted(record.decisions, key=lambda d: d.sim_offset_s)
    bound = [
        (d.sim_offset_s, record.exhaustive_bps_hz[d.decision_id])
        for d in decisions
        if d.decision_id in record.exhaustive_bps_hz
    ]
    in_force = [(tick.sim_offset_s, tick.sum_secrecy_rate_bps_hz) for tick in record.ticks]
    frame.series(in_force, "in-force")
    frame.series(bound, "bound-line")
    for decision in decisions:
        before = frame.at(decision.sim_offset_s, decision.before_bps_hz)
        after = frame.at(decision.sim_offset_s, decision.after_bps_hz)
        drawing.line(before, after, "gain")
        drawing.dot(*before, 2.6, "before")
        drawing.dot(*after, 3.2, "after", _tip(decision))
    return drawing.render()


def _tip(decision: DecisionMade) -> str:
    return (
        f"{_trigger_name(decision.trigger_type)} at {decision.sim_offset_s:.0f} s: "
        f"{decision.before_bps_hz:.1f} to {decision.after_bps_hz:.1f} b/s/Hz, "
        f"v{decision.model_version}, reliability {decision.reliability:.2f}"
    )


def _version_bands(frame: Frame, record: DemoRecord) -> None:
    for index, switch in enumerate(record.switches):
        following = record.switches[index + 1 :]
        end_s = following[0].sim_offset_s if following else record.duration_s
        frame.band(switch.sim_offset_s, end_s, f"version version-{switch.version % 2}")
        frame.drawing.text(
            frame.x(switch.sim_offset_s) + 6, frame.y.end + 14, f"v{switch.version}", "band-title"
        )


def pass_chart(record: DemoRecord) -> str:
    """Elevation, Doppler and the beams' SINR over the pass, with the triggers below."""
    drawing = Drawing(WIDTH, 640, title="The pass: elevation, Doppler, beam quality, triggers")
    x = Scale(0.0, record.duration_s, _LEFT, _RIGHT)
    ticks = record.ticks
    elevation = [tick.elevation_deg for tick in ticks]
    doppler = [tick.doppler_hz / 1000 for tick in ticks]
    _line_panel(drawing, x, (32, 122), ticks, elevation, title="elevation in °", floor=0.0)
    _line_panel(drawing, x, (170, 260), ticks, doppler, title="Doppler shift in kHz")
    sinr = [value for tick in ticks for value in tick.beam_sinr_db]
    low, high = padded(sinr)
    frame = Frame(drawing, x, Scale(low, high, 468, 308))
    for start_s, end_s in rain_spells(ticks):
        frame.band(start_s, end_s, "rain")
    frame.axes(y_title="SINR of each beam in dB; the worst beam in bold, rain shaded")
    for beam in range(len(ticks[0].beam_sinr_db) if ticks else 0):
        frame.series([(t.sim_offset_s, t.beam_sinr_db[beam]) for t in ticks], "beam")
    frame.series([(t.sim_offset_s, min(t.beam_sinr_db)) for t in ticks], "worst-beam")
    _trigger_rows(drawing, record, x, 508)
    return drawing.render()


def _line_panel(
    drawing: Drawing,
    x: Scale,
    height: tuple[float, float],
    ticks: Sequence[Tick],
    values: Sequence[float],
    *,
    title: str,
    floor: float | None = None,
) -> None:
    low, high = padded(values, floor=floor)
    frame = Frame(drawing, x, Scale(low, high, height[1], height[0]))
    frame.axes(y_title=title, y_ticks=3)
    points = zip((tick.sim_offset_s for tick in ticks), values, strict=True)
    frame.series(points, "measured")


def _trigger_rows(drawing: Drawing, record: DemoRecord, x: Scale, top: float) -> None:
    row = 24
    drawing.text(_LEFT, top - 14, "triggers", "axis-title")
    for number, (kind, name) in enumerate(_TRIGGER_NAMES.items()):
        y = top + number * row
        drawing.line((_LEFT, y + 16), (_RIGHT, y + 16), "grid")
        for trigger in record.triggers:
            if kind in trigger.trigger_type:
                place = x(trigger.sim_offset_s)
                drawing.line((place, y), (place, y + 16), f"trigger-{number}")
        drawing.text(_LEFT - 8, y + 12, name, anchor="end")
    bottom = top + len(_TRIGGER_NAMES) * row + 4
    drawing.line((_LEFT, bottom), (_RIGHT, bottom), "axis")
    for value in x.ticks(8):
        drawing.text(x(value), bottom + 18, f"{value:g}", anchor="middle")
    drawing.text(_RIGHT, bottom + 38, "simulated time in s", "axis-title", anchor="end")


def rain_spells(ticks: Sequence[Tick]) -> list[tuple[float, float]]:
    """The times during which it rains on some beam, as pairs of begin and end."""
    spells: list[tuple[float, float]] = []
    begin_s: float | None = None
    for tick in ticks:
        raining = max(tick.beam_rain_db, default=0.0) >= _RAIN_DB
        if raining and begin_s is None:
            begin_s = tick.sim_offset_s
        elif not raining and begin_s is not None:
            spells.append((begin_s, tick.sim_offset_s))
            begin_s = None
    if begin_s is not None:
        spells.append((begin_s, ticks[-1].sim_offset_s))
    return spells


def latency_chart(record: DemoRecord) -> str:
    """A histogram of each hop's time, and of the whole way."""
    panels: list[tuple[str, Sequence[float]]] = [
        (HOPS[hop], record.hops_ms[hop]) for hop in HOPS if record.hops_ms.get(hop)
    ]
    total = [decision.trigger_to_applied_ms for decision in record.decisions]
    if total:
        panels.append(("The whole way: trigger published → decision applied", total))
    columns, gap, panel_height = 2, 40, 150
    panel_width = (WIDTH - gap) / columns
    rows = -(-len(panels) // columns)
    drawing = Drawing(WIDTH, max(rows, 1) * panel_height, title="Latency of each hop")
    for number, (title, values) in enumerate(panels):
        left = (number % columns) * (panel_width + gap)
        top = (number // columns) * panel_height
        _histogram_panel(drawing, (left, top), panel_width, title=title, values=values)
    return drawing.render()


def _histogram_panel(
    drawing: Drawing, place: Point, width: float, *, title: str, values: Sequence[float]
) -> None:
    left, top = place
    # The slowest percent would squeeze the rest: it is gathered in the last bar.
    high = max(percentile(values, 99), 1e-3) * 1.02
    x = Scale(0.0, high, left, left + width)
    counts = histogram(values, _BINS, high)
    baseline, ceiling = top + 112, top + 40
    y = Scale(0.0, max(counts), baseline, ceiling)
    drawing.text(left, top + 16, title, "panel-title")
    p50, p95 = percentile(values, 50), percentile(values, 95)
    drawing.text(left, top + 32, f"median {p50:.3g} ms, p95 {p95:.3g} ms", "label")
    bar = width / _BINS
    for number, count in enumerate(counts):
        drawing.rect(left + number * bar + 0.5, y(count), bar - 1, baseline - y(count), "bar")
    drawing.line((left, baseline), (left + width, baseline), "axis")
    drawing.line((x(p50), baseline), (x(p50), ceiling), "median")
    for value in x.ticks(5):
        drawing.text(x(value), baseline + 16, f"{value:g}", anchor="middle")


def _trigger_name(trigger_type: str) -> str:
    return next((name for kind, name in _TRIGGER_NAMES.items() if kind in trigger_type), "Trigger")

"""The demo as a user runs it, held to what it promises while every function is killed once."""

import os
from pathlib import Path

import pytest
from support.command_line import aimlctl
from support.lone_simulator import lone_trigger_log_sha256
from support.platform_runs import DemoRun

from aimlctl.figures import PROMISED_STEPS, TRIGGER_TYPES
from aimlctl.nf_settings import FUNCTIONS

# The first test of the file waits for a whole demo, trainings and exports included.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_lifecycle_is_complete_and_in_order(demo_run: DemoRun) -> None:
    """Every promised step happened, each for the first time after the one before it."""
    lifecycle = demo_run.document["lifecycle"]
    places = [lifecycle.index(word) for word in PROMISED_STEPS]
    assert places == sorted(places)


def test_the_rule_asked_for_the_retraining(demo_run: DemoRun) -> None:
    """The retraining was started by a rule of the OAM after a threshold was breached."""
    steps = demo_run.document["lifecycle_steps"]
    words = [step["step"] for step in steps]
    retrained = next(step for step in steps if step["step"] == "retrained")
    assert retrained["initiator"].startswith("rule:")
    assert words.index("degraded") < words.index("retrained")


def test_both_versions_decided(demo_run: DemoRun) -> None:
    """The first version, the retrained one, and the first one again decided during the pass."""
    versions = [switch["version"] for switch in demo_run.document["versions"]]
    assert versions == [1, 2, 1]
    assert set(demo_run.document["decisions"]["by_version"]) == {"1", "2"}


def test_every_trigger_was_answered(demo_run: DemoRun) -> None:
    """All three kinds fired, every one was notified, decided and applied, and none was lost."""
    document = demo_run.document
    triggers, decisions = document["triggers"], document["decisions"]
    assert set(triggers) == set(TRIGGER_TYPES)
    assert all(count > 0 for count in triggers.values())
    assert document["notifications"] == sum(triggers.values())
    assert decisions["made"] == decisions["applied"] == sum(triggers.values())
    assert decisions["failed"] == 0
    assert document["lost_events"] == 0


def test_decisions_are_worth_making(demo_run: DemoRun) -> None:
    """The rate after the decisions is above that before, and at least 0.85 of exhaustive."""
    rates = demo_run.document["secrecy_rate_bps_hz"]
    assert rates["after_mean"] > rates["before_mean"]
    assert rates["after_mean"] >= 0.85 * rates["exhaustive_mean"]
    assert rates["exhaustive_sample_count"] == demo_run.document["decisions"]["applied"]


def test_latencies_are_told(demo_run: DemoRun) -> None:
    """Trigger to applied, inference and each hop have their percentiles, in order."""
    latency = demo_run.document["latency_ms"]
    for figures in (latency["trigger_to_applied"], latency["inference"], *latency["hops"].values()):
        assert 0 <= figures["p50"] <= figures["p95"] <= figures["p99"]
    assert latency["trigger_to_applied"]["p50"] > 0
    assert len(latency["hops"]) == 5


def test_functions_were_separate_processes(demo_run: DemoRun) -> None:
    """Six functions with six process ids and addresses, none of which is left behind."""
    processes = demo_run.document["processes"]
    assert len({entry["pid"] for entry in processes.values()}) >= 6
    assert len({entry["address"] for entry in processes.values()}) >= 6
    for entry in processes.values():
        with pytest.raises(ProcessLookupError):
            os.kill(entry["pid"], 0)


def test_report_was_written(demo_run: DemoRun) -> None:
    """The report is one HTML file with four pictures that loads nothing from elsewhere."""
    html = demo_run.report.read_text()
    assert html.count("<svg") == 4
    assert "http://" not in html
    assert "https://" not in html


def test_every_function_was_killed_and_started_again(demo_run: DemoRun) -> None:
    """All six functions were killed once, and the supervisor started each again."""
    assert set(demo_run.killed) == set(FUNCTIONS)
    assert demo_run.document["restarts"] == dict.fromkeys(FUNCTIONS, 1)
    for name in FUNCTIONS:
        assert f"{name} (pid " in demo_run.stderr
        assert f"{name} serves again" in demo_run.stderr


def test_kills_change_no_trigger(demo_run: DemoRun, tmp_path: Path) -> None:
    """The demo's trigger log has the bytes that a simulator left in peace publishes."""
    assert demo_run.document["trigger_log_sha256"] == lone_trigger_log_sha256(
        tmp_path / "lone", scenario="demo-pass.yaml", duration_s=60.0
    )


def test_too_short_a_demo_is_refused(tmp_path: Path) -> None:
    """A pass too short for the story is refused in one sentence, also as JSON."""
    answer = aimlctl("demo", "--duration", "5", "--json", cwd=tmp_path)
    assert answer.status == 1
    assert "too short" in answer.document["error"]
    assert answer.stderr.count("\n") == 1

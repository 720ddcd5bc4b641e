"""Judging a scenario run by what its file expects, and telling it in JUnit's XML."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aimlctl.figures import demo_document
from aimlctl.record import DemoRecord
from aimlctl.views import short_trigger

if TYPE_CHECKING:
    from ran_sim.scenario_files import Expectation


@dataclass(frozen=True)
class Verdict:
    """One expectation and what was seen."""

    name: str
    passed: bool
    expected: str
    seen: str

    @property
    def sentence(self) -> str:
        """The verdict for people."""
        return f"{self.name}: expected {self.expected}, saw {self.seen}"


@dataclass(frozen=True)
class Judgement:
    """All verdicts on one scenario; `failure` says why it could not be played to its end."""

    scenario: str
    file: str
    wall_time_s: float
    verdicts: tuple[Verdict, ...]
    failure: str = ""

    @property
    def passed(self) -> bool:
        """Whether it was played and everything was as expected."""
        return not self.failure and all(verdict.passed for verdict in self.verdicts)

    def as_document(self) -> dict[str, Any]:
        """The judgement as JSON."""
        return {
            "scenario": self.scenario,
            "file": self.file,
            "passed": self.passed,
            "failure": self.failure,
            "wall_time_s": round(self.wall_time_s, 1),
            "verdicts": [
                {"name": v.name, "passed": v.passed, "expected": v.expected, "seen": v.seen}
                for v in self.verdicts
            ],
        }


def judge(record: DemoRecord, expect: "Expectation") -> tuple[Verdict, ...]:
    """The verdicts on a run, one for each expectation."""
    document = demo_document(record)
    rates, counts = document["secrecy_rate_bps_hz"], document["triggers"]
    seen = {short_trigger(kind): count for kind, count in counts.items()}
    verdicts = [
        _at_least(f"triggers.{kind.value}", seen.get(kind.value, 0), least)
        for kind, least in expect.triggers.items()
    ]
    verdicts += [
        _at_most("lost_events", document["lost_events"], expect.lost_events),
        _at_most("unanswered_triggers", record.counts.unanswered, expect.unanswered_triggers),
        _at_most("decisions_failed", document["decisions"]["failed"], expect.decisions_failed),
    ]
    if expect.after_above_before:
        before, after = rates["before_mean"], rates["after_mean"]
        rises = before is not None and after is not None and after > before
        seen_rates = f"{before} before, {after} after"
        verdicts.append(Verdict("after_above_before", rises, "a higher mean rate", seen_rates))
    if expect.ratio_to_exhaustive:
        ratio = rates["after_to_exhaustive_ratio"] or 0.0
        verdicts.append(_at_least("ratio_to_exhaustive", ratio, expect.ratio_to_exhaustive))
    return tuple(verdicts)


def junit_xml(judgements: Sequence[Judgement]) -> str:
    """The judgements as JUnit XML: a suite for each scenario, a case for each expectation."""
    suites = ET.Element("testsuites", name="aimlnf scenarios")
    for judgement in judgements:
        suites.append(_suite(judgement))
    _total(suites, suites.findall("testsuite"))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, "unicode") + "\n"


def _suite(judgement: Judgement) -> ET.Element:
    suite = ET.Element("testsuite", name=judgement.scenario, file=judgement.file)
    played = Verdict("played", not judgement.failure, "the whole pass", judgement.failure or "it")
    for verdict in (played, *judgement.verdicts):
        case = ET.SubElement(suite, "testcase", classname=judgement.scenario, name=verdict.name)
        case.set("time", f"{judgement.wall_time_s if verdict is played else 0:.3f}")
        if not verdict.passed:
            kind = "error" if verdict is played else "failure"
            ET.SubElement(case, kind, message=verdict.sentence)
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("time", f"{judgement.wall_time_s:.3f}")
    return suite


def _total(suites: ET.Element, parts: Iterable[ET.Element]) -> None:
    parts = list(parts)
    for name in ("tests", "failures", "errors"):
        suites.set(name, str(sum(int(part.get(name, "0")) for part in parts)))
    suites.set("time", f"{sum(float(part.get('time', '0')) for part in parts):.3f}")


def _at_least(name: str, seen: float, least: float) -> Verdict:
    return Verdict(name, seen >= least, f"at least {least:g}", f"{seen:g}")


def _at_most(name: str, seen: float, most: float) -> Verdict:
    return Verdict(name, seen <= most, f"at most {most:g}", f"{seen:g}")

"""Requests and processes: any sequence of flags and outcomes, against a small independent model."""

from typing import Any

import pytest
from fakes.oam.memory_tree import ELEMENT, FUNCTION, functions_tree, model
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from nf_runtime.errors import FailedPrecondition, NfError
from oam.nrm.names import parse_name
from oam.nrm.objects import existing
from oam.nrm.outcomes import Failed, Finished, Noted, Progressed, cancelled, take_up
from oam.nrm.provisioning import create, modify
from oam.nrm.starting import begin
from oam.nrm.work_objects import job_of

# The table of requirements, written down again: (request, flag) to request; what is not there is
# refused. The producer's part is in `Machine.works`.
TABLE = {
    ("NOT_STARTED", "suspendRequest", False): "NOT_STARTED",
    ("NOT_STARTED", "cancelRequest", False): "NOT_STARTED",
    ("NOT_STARTED", "cancelRequest", True): "CANCELLED",
    ("IN_PROGRESS", "suspendRequest", True): "SUSPENDED",
    ("IN_PROGRESS", "suspendRequest", False): "IN_PROGRESS",
    ("IN_PROGRESS", "cancelRequest", False): "IN_PROGRESS",
    ("IN_PROGRESS", "cancelRequest", True): "CANCELLING",
    ("SUSPENDED", "suspendRequest", True): "SUSPENDED",
    ("SUSPENDED", "suspendRequest", False): "IN_PROGRESS",
    ("SUSPENDED", "cancelRequest", False): "SUSPENDED",
    ("SUSPENDED", "cancelRequest", True): "CANCELLING",
    ("CANCELLING", "cancelRequest", False): "CANCELLING",
}
PARTS = {"IN_PROGRESS": "RUNNING", "SUSPENDED": "SUSPENDED", "CANCELLING": "CANCELLING"}
KINDS: dict[str, dict[str, Any]] = {
    f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingRequest=r": {"aIMLInferenceName": "NAME"},
    f"{ELEMENT},MLTestingFunction=mtlf,MLTestingRequest=r": {"mLModelRef": model(1)},
    f"{FUNCTION},MLModelLoadingRequest=r": {"mLModelToLoadRef": model(1)},
    f"{ELEMENT},MLUpdateFunction=oam,MLUpdateRequest=r": {"mLModelRefList": [model(1), model(2)]},
}


class Machine(RuleBasedStateMachine):
    """A consumer and a producer at one request; the model is three dictionaries and a table."""

    @initialize(kind=st.sampled_from(sorted(KINDS)))
    def created(self, kind: str) -> None:
        """The consumer creates it."""
        self.tree = functions_tree()
        self.name = parse_name(kind)
        create(self.tree, self.name, KINDS[kind])
        self.status, self.parts = "NOT_STARTED", dict[str, str]()
        self.percent: dict[str, int] = {}

    @rule(flag=st.sampled_from(["cancelRequest", "suspendRequest"]), value=st.booleans())
    def flags(self, flag: str, value: bool) -> None:
        """The consumer sets a flag of the request."""
        before = dict(self.tree.mois)
        after = TABLE.get((self.status, flag, value))
        if after is None:
            with pytest.raises(FailedPrecondition):
                modify(self.tree, self.name, {flag: value})
            assert self.tree.mois == before
            return
        modify(self.tree, self.name, {flag: value})
        if after != self.status and self.parts:
            live = PARTS[after]
            stopped = ("SUSPENDED", "RUNNING") if after != "CANCELLING" else ()
            for key, part in self.parts.items():
                if part in (stopped or ("SUSPENDED", "RUNNING")):
                    self.parts[key] = live
        self.status = after

    @rule(data=st.data(), flag=st.sampled_from(["cancelProcess", "suspendProcess"]))
    def process_flags(self, data: st.DataObject, flag: str) -> None:
        """The consumer sets a flag of one process; it acts on that one only."""
        names = [key for key in self.parts if ",MLModel=" not in key]
        if not names:
            return
        key = data.draw(st.sampled_from(names))
        value = data.draw(st.booleans())
        part = self.parts[key]
        allowed = {
            ("cancelProcess", True): part in ("RUNNING", "SUSPENDED", "CANCELLING"),
            ("cancelProcess", False): part not in ("FINISHED", "FAILED", "CANCELLED"),
            ("suspendProcess", True): part in ("RUNNING", "SUSPENDED"),
            ("suspendProcess", False): part in ("RUNNING", "CANCELLING")
            or (part == "SUSPENDED" and self.status != "SUSPENDED"),
        }[flag, value]
        if not allowed:
            with pytest.raises(FailedPrecondition):
                modify(self.tree, parse_name(key), {flag: value})
            return
        modify(self.tree, parse_name(key), {flag: value})
        if (flag, value) == ("cancelProcess", True):
            self.parts[key] = "CANCELLING"
        elif flag == "suspendProcess" and part in ("RUNNING", "SUSPENDED"):
            self.parts[key] = "SUSPENDED" if value else "RUNNING"

    @rule()
    def starts(self) -> None:
        """The producer starts, unless it has or the request was cancelled."""
        begin(self.tree, self.name)
        if self.status == "NOT_STARTED":
            self.status = "IN_PROGRESS"
            job = job_of(self.tree, existing(self.tree, self.name))
            self.parts = dict.fromkeys(job.parts, "RUNNING")
            self.percent = dict.fromkeys(job.parts, 0)

    @rule(
        data=st.data(),
        outcome=st.sampled_from(
            [Noted({"job_id": "j"}), Progressed(40.0), Finished(), Failed("so it is"), None]
        ),
    )
    def works(self, data: st.DataObject, outcome: Any) -> None:
        """The producer gets on with a part, or with its cancellation."""
        if not self.parts:
            return
        key = data.draw(st.sampled_from(sorted(self.parts)))
        owner = parse_name(key) if ",MLModel=" not in key else self.name
        running = self.parts[key] == "RUNNING"
        if outcome is None:
            cancelled(self.tree, owner, key)
            if self.parts[key] == "CANCELLING":
                self.parts[key] = "CANCELLED"
        else:
            goes_on = take_up(self.tree, owner, key, outcome)
            if running and isinstance(outcome, Progressed):
                self.percent[key] = 40
            ends = isinstance(outcome, Finished | Failed)
            assert goes_on is (running and not ends)
            if running and ends:
                failed = isinstance(outcome, Failed)
                self.parts[key] = "FAILED" if failed else "FINISHED"
                self.percent[key] = self.percent[key] if failed else 100
        if all(part in ("FINISHED", "FAILED", "CANCELLED") for part in self.parts.values()):
            ended = {"CANCELLING": "CANCELLED", "CANCELLED": "CANCELLED"}
            self.status = ended.get(self.status, "FINISHED")

    @rule(name=st.sampled_from(["requestStatus", "mLUpdateProcessRef", "nonsense"]))
    def writes(self, name: str) -> None:
        """What is read-only, or not there, is refused."""
        with pytest.raises(NfError):
            modify(self.tree, self.name, {name: "FINISHED" if self.status != "FINISHED" else "x"})

    @invariant()
    def objects_are_as_the_model_says(self) -> None:
        """Statuses of the request and every part, and how far each has come."""
        request = existing(self.tree, self.name)
        assert request.attributes["requestStatus"] == self.status
        job = job_of(self.tree, request)
        assert {key: str(part.status) for key, part in job.parts.items()} == self.parts
        for key in self.parts:
            if ",MLModel=" not in key:
                told = existing(self.tree, key).attributes["progressStatus"]
                assert told["progressPercentage"] == self.percent[key]
                assert (told.get("resultStateInfo") == "so it is") is (self.parts[key] == "FAILED")


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestRequestsAndProcesses = Machine.TestCase

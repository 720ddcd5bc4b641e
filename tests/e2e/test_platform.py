"""The platform as ``aimlctl up`` runs it: every command, and kill -9 of every function."""

import os
import signal
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from support.command_line import REPOSITORY, Answer
from support.platform_runs import Platform
from support.waiting import wait_until

from aimlctl.flight import Flight
from aimlctl.nf_settings import FUNCTIONS
from aimlctl.observer import Observer
from aimlctl.output import Output
from aimlctl.peers import connected
from aimlctl.run_file import read_run_file, run_file_path
from aimlctl.scenario_orders import SCENARIO_FOLDER, read_order
from aimlctl.session import Session
from aimlctl.views import PlainView
from aimlnf.nwdaf.v1 import events_subscription_pb2 as nwdaf
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as service
from aimlnf.ransim.v1 import run_pb2
from nf_runtime.clock import SystemClock
from nf_runtime.probe import why_not_serving

pytestmark = pytest.mark.slow

SERVICES = {
    "nwdaf.anlf": "aimlnf.nwdaf.v1.EventsSubscriptionService",
    "nwdaf.mtlf": "aimlnf.nwdaf.v1.ModelTrainingService",
    "mms_repository": "aimlnf.mms.v1.ModelRepositoryService",
    "inference_nf": "aimlnf.inference.v1.InferenceFunctionService",
    "oam": "aimlnf.oam.v1.LifecycleService",
    "ran_sim": "aimlnf.ransim.v1.RadioService",
}
DURATION_S = 120.0


def good(answer: Answer) -> Answer:
    """The answer of a command that succeeded."""
    assert answer.status == 0, answer.stderr[-3000:]
    return answer


@pytest.mark.parametrize("name", FUNCTIONS)
def test_health_and_reflection_answer(platform: Platform, name: str) -> None:
    """Each function says that it serves, and tells its services to whoever asks."""
    address = read_run_file(run_file_path(platform.state_dir)).address_of(name)
    assert why_not_serving(address) is None
    with grpc.insecure_channel(address) as channel:
        services = set(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert {SERVICES[name], "grpc.health.v1.Health"} <= services


def test_status_shows_every_process(platform: Platform) -> None:
    """Status lists six functions and the gateway, all serving, and the broker."""
    document = good(platform.ctl("status", "--json")).document
    assert set(document["processes"]) == {*FUNCTIONS, "gateway"}
    assert all(entry["health"] == "SERVING" for entry in document["processes"].values())
    assert document["embedded_broker_pid"]
    assert document["broker"]


def test_second_up_says_that_it_runs(platform: Platform) -> None:
    """A second 'up' changes nothing and says who runs already."""
    before = platform.pid_of("oam")
    answer = platform.ctl("up", "--json")
    assert answer.status == 1
    assert "runs already" in answer.document["error"]
    assert platform.pid_of("oam") == before


def test_subscription_can_be_made_listed_and_deleted(platform: Platform) -> None:
    """A subscription appears in the list and is gone after its deletion; a second one fails."""
    created = good(platform.ctl("subscription", "create", "--event", "BEAM_QUALITY", "--json"))
    identity = created.document["subscription"]["subscription_id"]
    listed = good(platform.ctl("subscription", "list", "--json")).document["subscriptions"]
    assert identity in {one["subscription_id"] for one in listed}
    good(platform.ctl("subscription", "delete", identity, "--json"))
    again = platform.ctl("subscription", "delete", identity, "--json")
    assert again.status == 1
    assert again.document["reason"] == "RESOURCE_NOT_FOUND"


def test_load_of_every_function_is_notified(platform: Platform) -> None:
    """The AnLF knows where each function of the platform tells its metrics (NF_LOAD)."""
    told: set[str] = set()
    with connected(platform.state_dir) as peers:
        created = peers.subscriptions.CreateEventsSubscription(
            service.CreateEventsSubscriptionRequest(
                request_id="load",
                subscription=nwdaf.EventsSubscription(
                    event_subscriptions=[nwdaf.EventSubscription(event="NF_LOAD")],
                    consumer_nf_id="test",
                    evt_req=nwdaf.ReportingInformation(
                        notif_method=nwdaf.REPORTING_METHOD_PERIODIC,
                        rep_period=Duration(seconds=1),
                    ),
                ),
            )
        ).subscription
        assert not created.fail_event_reports
        request = service.WatchNotificationsRequest(subscription_id=created.subscription_id)
        for response in peers.subscriptions.WatchNotifications(request, timeout=60):
            for report in response.notification.event_notifications:
                if report.nf_load_level_info.nf_memory_usage > 0:
                    told.add(report.nf_load_level_info.nf_instance_id)
            if told >= set(FUNCTIONS):
                break
    assert told == set(FUNCTIONS)


def test_model_is_listed_and_shown(trained_platform: Platform) -> None:
    """The first version is approved, champion, and has its files, figures and history."""
    models = good(trained_platform.ctl("model", "list", "--json")).document["models"]
    (version,) = models[0]["versions"]
    assert version["state"] == "APPROVED"
    assert "champion" in version["aliases"]
    shown = good(trained_platform.ctl("model", "show", "gan-gdm", "--json")).document
    names = {file["file_name"] for file in shown["model_version"]["manifest"]["artifacts"]}
    assert {"model.onnx", "model_card.json"} <= names
    assert shown["history"]


def test_lifecycle_is_shown_and_told(trained_platform: Platform) -> None:
    """The lifecycle names the version that decides, the history its steps in order."""
    shown = good(trained_platform.ctl("lifecycle", "show", "--json")).document
    assert shown["lifecycle"]["active_version"] == 1
    assert shown["adaptation"]["state"] == "COMPLETED"
    assert shown["adaptation"]["timeline"][-1]["kind"] == "ACTIVATED"
    steps = good(trained_platform.ctl("lifecycle", "history", "--json")).document["steps"]
    assert [step["kind"] for step in steps] == [
        "REQUESTED",
        "TRAINED",
        "PUBLISHED",
        "TESTED",
        "APPROVED",
        "LOADED",
        "ACTIVATED",
    ]
    audited = good(trained_platform.ctl("lifecycle", "audit", "--verify", "--json")).document
    assert audited["verified"]
    assert audited["head"] == f"{steps[-1]['sequence']}:{steps[-1]['digest']}"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("lifecycle", "rollback"), "NO_PREVIOUS_VERSION"),
        (("model", "show", "nothing"), "RESOURCE_NOT_FOUND"),
    ],
)
def test_refusal_is_told_with_its_reason(
    trained_platform: Platform, arguments: tuple[str, ...], reason: str
) -> None:
    """What a function refuses is one sentence and its stable reason."""
    answer = trained_platform.ctl(*arguments, "--json")
    assert answer.status == 1
    assert answer.document["reason"] == reason
    assert answer.stderr.startswith("aimlctl: ")
    assert "Traceback" not in answer.stderr


def test_events_can_be_tailed(trained_platform: Platform) -> None:
    """What the OAM published of the first version and its objects is on its topic."""
    tail = ("events", "tail", "--topic", "oam.events", "--from-beginning", "--count", "3")
    events = good(trained_platform.ctl(*tail, "--json")).document["events"]
    assert len(events) == 3
    told = {"org.aimlnf.oam.lifecycle-step.v1", "org.aimlnf.oam.managed-object-changed.v1"}
    assert {event["type"] for event in events} <= told


def test_scenario_is_played_and_judged(trained_platform: Platform) -> None:
    """The regression pass is as expected, in JSON and in JUnit's XML."""
    file = str(REPOSITORY / "scenarios" / "regression-pass.yaml")
    answer = good(trained_platform.ctl("scenario", "run", file, "--junit", "junit.xml", "--json"))
    assert answer.document["passed"]
    root = ET.parse(trained_platform.folder / "junit.xml").getroot()  # noqa: S314 - our own
    assert root.get("failures") == root.get("errors") == "0"
    assert int(root.get("tests", "0")) > 5


class KillRun:
    """A pass that is flown piece by piece while functions are killed."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.flown = 0

    @property
    def observer(self) -> Observer:
        """Sees and keeps what happens."""
        return self.session.observer

    @property
    def flight(self) -> Flight:
        """The pass."""
        return self.session.flight

    def fly_a_piece(self) -> None:
        """The next part of the pass, one for each function."""
        self.flown += 1
        self.flight.fly_to(DURATION_S * self.flown / (len(FUNCTIONS) + 2))


@pytest.fixture(scope="module")
def kill_run(trained_platform: Platform) -> Iterator[KillRun]:
    """A pass that has just begun."""
    order = read_order(SCENARIO_FOLDER / "demo-pass.yaml", duration_s=DURATION_S)
    order.request.pace = run_pb2.PACE_LOCKSTEP
    # Slow enough for the kill to meet the pass in flight.
    order.request.speed_factor = 15.0
    clock = SystemClock()
    session = Session(
        trained_platform.state_dir,
        order=order,
        actor="test",
        view=PlainView(Output.of(as_json=True)),
        clock=clock,
        started_at=clock.now(),
    )
    with closing(session):
        run = KillRun(session)
        run.flown = 1
        session.flight.begin(DURATION_S / (len(FUNCTIONS) + 2))
        yield run


@pytest.mark.parametrize("name", FUNCTIONS)
def test_kill_of_a_function_is_survived(
    trained_platform: Platform, kill_run: KillRun, name: str
) -> None:
    """Killed when it has helped to decide, a function is started again and nothing is lost."""
    path: Path = run_file_path(trained_platform.state_dir)
    before = trained_platform.pid_of(name)
    decided = len(kill_run.observer.decisions)

    def kill_after_a_decision() -> None:
        wait_until(lambda: len(kill_run.observer.decisions) > decided, timeout_s=60.0)
        os.kill(before, signal.SIGKILL)

    killer = threading.Thread(target=kill_after_a_decision)
    killer.start()
    kill_run.fly_a_piece()
    killer.join()
    wait_until(
        lambda: read_run_file(path).processes[name].pid != before,
        timeout_s=60.0,
        what=f"{name} to be started again",
    )
    assert why_not_serving(read_run_file(path).address_of(name)) is None
    kill_run.flight.settle()
    run = kill_run.observer.run()
    counts = kill_run.observer.counts(run)
    answered = {decision.trigger_id for decision in kill_run.observer.decisions.values()}
    assert set(kill_run.observer.triggers) == answered
    assert sum(counts.published_by_type.values()) == len(answered)
    assert counts.failed == counts.unanswered == 0
    assert counts.applied == len(kill_run.observer.decisions)


def test_run_with_kills_ends_whole(kill_run: KillRun) -> None:
    """After all kills the pass flies to its end, and every trigger has one decision."""
    kill_run.flight.fly_to(None)
    kill_run.flight.settle()
    run = kill_run.observer.run()
    counts = kill_run.observer.counts(run)
    assert run.state == run_pb2.RUN_STATE_FINISHED
    decided = [decision.trigger_id for decision in kill_run.observer.decisions.values()]
    assert len(decided) == len(set(decided)) == sum(counts.published_by_type.values())
    assert counts.failed == counts.unanswered == 0


def test_down_stops_everything(tmp_path_factory: pytest.TempPathFactory) -> None:
    """After 'down' no process is left and run.json is gone; a second 'down' says so."""
    platform = Platform(tmp_path_factory.mktemp("short"))
    good(platform.ctl("up", "--json"))
    pids = [platform.pid_of(name) for name in FUNCTIONS]
    good(platform.ctl("down", "--json"))
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not run_file_path(platform.state_dir).exists()
    again = platform.ctl("down", "--json")
    assert again.status == 1
    assert "nothing runs" in again.document["error"]

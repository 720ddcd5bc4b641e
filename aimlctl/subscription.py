"""``aimlctl subscription``: subscriptions to events of the NWDAF."""

import itertools
import uuid
from typing import Annotated, Any

import typer

from aimlctl.documents import document_of
from aimlctl.options import JsonOption, StateDirOption
from aimlctl.output import Output, table_of
from aimlctl.paging import every_page
from aimlctl.peers import connected
from aimlctl.run_file import DEFAULT_STATE_DIR
from aimlnf.nwdaf.v1 import events_subscription_pb2 as nwdaf
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as service

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The subscription.")]

app = typer.Typer(no_args_is_help=True, help="Subscriptions to events of the NWDAF.")


@app.command("create")
def create_subscription(
    *,
    events: Annotated[
        list[str],
        typer.Option(
            "--event",
            help="Event: BEAM_QUALITY, DOPPLER, EAVESDROPPER, QOS_SUSTAINABILITY, "
            "ABNORMAL_BEHAVIOUR. Can be repeated.",
        ),
    ],
    beams: Annotated[
        list[str] | None, typer.Option("--beam", help="Beam to watch; none: all.")
    ] = None,
    satellites: Annotated[
        list[str] | None, typer.Option("--satellite", help="Satellite to watch; none: all.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Report only beyond it; else each trigger is reported."),
    ] = None,
    max_reports: Annotated[
        int, typer.Option("--max-reports", help="End after this many reports; 0: never.")
    ] = 0,
    consumer: Annotated[str, typer.Option("--consumer", help="Who subscribes.")] = "aimlctl",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Subscribe to events."""
    output = Output.of(as_json=as_json)
    wanted = nwdaf.EventsSubscription(
        event_subscriptions=[
            nwdaf.EventSubscription(
                event=event,
                beam_ids=beams or (),
                satellite_ids=satellites or (),
                threshold=threshold,
            )
            for event in events
        ],
        consumer_nf_id=consumer,
    )
    if max_reports:
        wanted.evt_req.max_report_nbr = max_reports
    request = service.CreateEventsSubscriptionRequest(
        request_id=str(uuid.uuid4()), subscription=wanted
    )
    with connected(state_dir) as peers:
        created = peers.subscriptions.CreateEventsSubscription(request).subscription
    for failure in created.fail_event_reports:
        output.say(f"{failure.event} is not served: {failure.failure_code}")
    output.document(
        {"subscription": document_of(created)},
        show=lambda console: console.print(created.subscription_id),
    )


@app.command("list")
def list_subscriptions(
    *, state_dir: StateDirOption = DEFAULT_STATE_DIR, as_json: JsonOption = False
) -> None:
    """All subscriptions in order of creation."""
    output = Output.of(as_json=as_json)
    with connected(state_dir) as peers:
        found = [
            document_of(subscription)
            for subscription in every_page(
                peers.subscriptions.ListEventsSubscriptions,
                service.ListEventsSubscriptionsRequest(),
                "subscriptions",
            )
        ]
    rows = (
        (
            one["subscription_id"],
            one["consumer_nf_id"],
            ", ".join(event["event"] for event in one["event_subscriptions"]),
            one["state"],
            one["report_count"],
        )
        for one in found
    )
    columns = ("Subscription", "Consumer", "Events", "State", "Reports")
    output.document(
        {"subscriptions": found}, show=lambda console: console.print(table_of(columns, rows))
    )


@app.command("delete")
def delete_subscription(
    subscription_id: IdArgument,
    *,
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """End a subscription; its undelivered notifications go with it."""
    output = Output.of(as_json=as_json)
    request = service.DeleteEventsSubscriptionRequest(subscription_id=subscription_id)
    with connected(state_dir) as peers:
        peers.subscriptions.DeleteEventsSubscription(request)
    output.document(
        {"deleted": subscription_id},
        show=lambda console: console.print(f"{subscription_id} is deleted"),
    )


@app.command("watch")
def watch_subscription(
    subscription_id: IdArgument,
    *,
    after: Annotated[
        int, typer.Option("--after", help="Only notifications after this sequence.")
    ] = 0,
    count: Annotated[int, typer.Option("--count", help="Stop after this many; 0: go on.")] = 0,
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Notifications as they come. Nothing is acknowledged: the consumer's own reading is untouched.

    With --json and --count one document holds them all; without --count each is a line of JSON.
    """
    output = Output.of(as_json=as_json)
    request = service.WatchNotificationsRequest(
        subscription_id=subscription_id, after_sequence=after
    )
    seen: list[dict[str, Any]] = []
    with connected(state_dir) as peers:
        stream = peers.subscriptions.WatchNotifications(request)
        for response in itertools.islice(stream, count or None):
            notification = document_of(response.notification)
            if count and as_json:
                seen.append(notification)
            else:
                output.item(notification, _line_of(notification))
        stream.cancel()
    if count:
        output.document({"notifications": seen})


def _line_of(notification: dict[str, Any]) -> str:
    events = ", ".join(
        f"{event['event']} beam {event['beam_id']}: {event['observed_value']:.2f}"
        for event in notification["event_notifications"]
    )
    return f"{notification['sequence']:>6}  {events}"

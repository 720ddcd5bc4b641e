"""``aimlctl events``: what travels on the broker."""

from typing import Annotated, Any

import typer

from aimlctl.options import JsonOption, StateDirOption
from aimlctl.output import CommandError, Output
from aimlctl.run_file import DEFAULT_STATE_DIR, read_run_file, run_file_path
from aimlctl.topics import TOPIC_NAMES, SeenEvent, TopicReader, broker_settings
from nf_runtime.events.broker import Start, broker_of

_POLL_S = 0.2
_LONGEST_VALUE = 160

app = typer.Typer(no_args_is_help=True, help="What travels on the event broker.")


@app.command("tail")
def tail(
    *,
    topics: Annotated[
        list[str] | None, typer.Option("--topic", help="Topic; none: all. Can be repeated.")
    ] = None,
    count: Annotated[int, typer.Option("--count", help="Stop after this many; 0: go on.")] = 0,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Also what is on the topics already.")
    ] = False,
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Events as they come.

    With --json and --count one document holds them all; without --count each is a line of JSON.
    """
    output = Output.of(as_json=as_json)
    unknown = sorted(set(topics or ()) - set(TOPIC_NAMES))
    if unknown:
        raise CommandError(f"there is no topic {unknown[0]}; there are {', '.join(TOPIC_NAMES)}")
    run = read_run_file(run_file_path(state_dir))
    settings = broker_settings(run, state_dir)
    start = Start.EARLIEST if from_beginning else Start.LATEST
    seen: list[dict[str, Any]] = []
    with TopicReader(broker_of(settings), topics or TOPIC_NAMES, start=start) as reader:
        told = 0
        while not count or told < count:
            for event in reader.poll(_POLL_S):
                if count and told >= count:
                    break
                told += 1
                if count and as_json:
                    seen.append(event.as_document())
                else:
                    output.item(event.as_document(), _line_of(event))
    output.document({"events": seen})


def _line_of(seen: SeenEvent) -> str:
    if seen.event is None:
        return f"{seen.topic:<18} unreadable: {seen.problem}"
    value = str(seen.as_document()["data"])
    short = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
    return f"{seen.topic:<18} {seen.event.type}  {seen.event.subject or ''}  {short}"

"""The command line: ``aimlctl NOUN VERB``."""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence

import typer

from aimlctl import (
    demo,
    doctor,
    events,
    lifecycle,
    managed_object,
    model,
    platform,
    scenario,
    subscription,
)
from aimlctl.output import STATUS_FAILED, STATUS_TERMINATED, failure_of, tell_failure
from aimlctl.sim import commands as sim

app = typer.Typer(
    name="aimlctl",
    help="Run and demonstrate the AI/ML network functions of aimlnf.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("up")(platform.up)
app.command("down")(platform.down)
app.command("status")(platform.status)
app.command("doctor")(doctor.doctor)
app.add_typer(model.app, name="model")
app.add_typer(subscription.app, name="subscription")
app.add_typer(lifecycle.app, name="lifecycle")
app.add_typer(managed_object.app, name="object")
app.add_typer(events.app, name="events")
app.add_typer(scenario.app, name="scenario")
app.add_typer(sim.app, name="sim")


def run(argv: Sequence[str]) -> int:
    """The exit status of a command line; a failure is told in one sentence."""
    try:
        status = app(list(argv), standalone_mode=False)
    except BrokenPipeError:
        # Whoever read along has gone; nothing is left to be said.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return STATUS_FAILED
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place that tells
        failure = failure_of(error)
        if failure.is_defect:
            traceback.print_exception(error)
        tell_failure(failure, as_json="--json" in argv, stdout=sys.stdout, stderr=sys.stderr)
        return failure.status
    return status if isinstance(status, int) else 0


def main() -> None:
    """Ends the process with the status of its command line."""
    # As after Ctrl-C, what was started is stopped and what is temporary is removed.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(STATUS_TERMINATED))
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

"""A network function with the echo service, as a process: ``python -m support.echo_nf``."""

import asyncio
import sys
from functools import partial
from typing import ClassVar

from support.echo_service import Echo, register

from nf_runtime.config import NfSettings, load_settings
from nf_runtime.server import NfServer, run_nf, serve_until_stopped


class EchoSettings(NfSettings):
    """`crash_after_s` ends a background task with an exception."""

    nf_name: ClassVar[str] = "test.echo"

    crash_after_s: float | None = None
    ignore_stop: bool = False


async def _crash_after(duration_s: float) -> None:
    await asyncio.sleep(duration_s)
    raise RuntimeError("background task failed")


async def serve(settings: EchoSettings, stop: asyncio.Event) -> None:
    """The composition root."""
    server = NfServer("test.echo", settings.server, register=partial(register, Echo()))
    async with asyncio.TaskGroup() as tasks:
        if settings.crash_after_s is not None:
            tasks.create_task(_crash_after(settings.crash_after_s))
        if settings.ignore_stop:
            tasks.create_task(asyncio.Event().wait())
        await serve_until_stopped(server, stop)


def main() -> None:
    """Load the settings and run."""
    settings = load_settings(EchoSettings, sys.argv[1:])
    run_nf("test.echo", lambda stop: serve(settings, stop), log=settings.log)


if __name__ == "__main__":
    main()

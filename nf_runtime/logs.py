"""Structured logs: one line per thing that happened, JSON unless a person reads along.

Configured once by `run_nf`; everywhere else::

    log = structlog.get_logger(__name__)
    log.info("version loaded", model_name="gan-gdm", version=3, duration_s=0.4)

Event names are fixed lower-case phrases, everything variable is a key. The request id and trace id
of the task (`nf_runtime.tracing`) and what is bound with `structlog.contextvars` are in every line.
"""

import logging
import sys
from typing import TextIO

import structlog

from nf_runtime.config import LogSettings
from nf_runtime.tracing import current_ids

# kafka-python reports each failed attempt to reconnect as several errors; publisher and subscriber
# say once that the broker is away and once that it is back.
_LEAST_LEVELS = {"kafka": logging.CRITICAL, "alembic": logging.WARNING, "grpc": logging.WARNING}


def configure_logs(settings: LogSettings, *, nf_name: str, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging to `stream` (default: stdout)."""
    stream = sys.stdout if stream is None else stream
    as_json = settings.format == "json" or (settings.format == "auto" and not stream.isatty())
    level = logging.getLevelNamesMapping()[settings.level.upper()]

    def name_nf(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event.setdefault("nf", nf_name)
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _name_ids,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_nf,
    ]
    render: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=stream.isatty())]
    )
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _LEAST_LEVELS.items():
        logging.getLogger(name).setLevel(max(level, least))


def _name_ids(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {**current_ids(), **event}

"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_MODEL = "gan-gdm"

JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout, logs on stderr.")
]
StateDirOption = Annotated[
    Path,
    typer.Option("--state-dir", metavar="DIR", help="Where the platform keeps its state."),
]
ModelOption = Annotated[str, typer.Option("--model", metavar="NAME", help="Name of the model.")]
ActorOption = Annotated[str, typer.Option("--actor", metavar="NAME", help="Who asks.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, one sentence for the record.")]
BrokerOption = Annotated[
    str,
    typer.Option(
        "--broker",
        metavar="embedded|HOST:PORT",
        help="The embedded in-memory broker, or the address of a Kafka broker.",
    ),
]
EMBEDDED = "embedded"
RuntimeOption = Annotated[
    str, typer.Option("--runtime", metavar="auto|onnxruntime|tensorrt", help="What runs models.")
]

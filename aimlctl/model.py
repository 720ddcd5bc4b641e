"""``aimlctl model``: versions in the repository, training and evaluation of models."""

from typing import Annotated, Any

import typer

from aimlctl import model_evaluation, model_release, model_training, model_transfer
from aimlctl.documents import document_of
from aimlctl.options import DEFAULT_MODEL, JsonOption, StateDirOption
from aimlctl.output import Output, table_of
from aimlctl.paging import every_page
from aimlctl.peers import Peers, connected
from aimlctl.run_file import DEFAULT_STATE_DIR
from aimlnf.mms.v1 import model_repository_service_pb2 as mms

_RATIO = "ratio_to_exhaustive"

app = typer.Typer(
    no_args_is_help=True, help="Models: versions in the repository, training, evaluation."
)
app.command("evaluate")(model_evaluation.evaluate)
app.command("train")(model_training.train)
app.command("push")(model_transfer.push)
app.command("pull")(model_transfer.pull)
app.command("verify")(model_release.verify)
app.command("promote")(model_release.promote)
app.command("rollback")(model_release.rollback)
app.command("label")(model_release.label)


@app.command("list")
def list_models(
    *, state_dir: StateDirOption = DEFAULT_STATE_DIR, as_json: JsonOption = False
) -> None:
    """Every version of every model, newest first."""
    output = Output.of(as_json=as_json)
    with connected(state_dir) as peers:
        models = [
            document_of(model) | {"versions": _versions_of(peers, model.model_name)}
            for model in every_page(peers.repository.ListModels, mms.ListModelsRequest(), "models")
        ]
    rows = [
        (
            version["model_name"],
            f"v{version['version']}",
            version["state"],
            ", ".join(version["aliases"]),
            _ratio_of(version),
            version.get("create_time", ""),
        )
        for model in models
        for version in model["versions"]
    ]
    columns = ("Model", "Version", "State", "Aliases", "Of exhaustive", "Published")
    output.document(
        {"models": models},
        show=lambda console: console.print(
            table_of(columns, rows) if rows else "No model is published yet."
        ),
    )


@app.command("show")
def show_model(
    name: Annotated[str, typer.Argument(help="Name of the model.")] = DEFAULT_MODEL,
    *,
    version: Annotated[int, typer.Option("--version", help="Version; 0: the latest.")] = 0,
    alias: Annotated[str, typer.Option("--alias", help="An alias instead of a version.")] = "",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """One version with its files, figures and history."""
    output = Output.of(as_json=as_json)
    with connected(state_dir) as peers:
        request = mms.GetModelVersionRequest(model_name=name)
        if alias:
            request.alias = alias
        else:
            latest = peers.repository.GetModel(mms.GetModelRequest(model_name=name)).model
            request.version = version or latest.latest_version
        found = document_of(peers.repository.GetModelVersion(request).model_version)
        history_request = mms.ListVersionHistoryRequest(model_name=name, version=found["version"])
        history = [
            document_of(entry)
            for entry in every_page(peers.repository.ListVersionHistory, history_request, "entries")
        ]

    def show(console: Any) -> None:
        console.print(f"[bold]{name} v{found['version']}[/bold]  {found['state']}")
        console.print(f"aliases: {', '.join(found['aliases']) or 'none'}")
        console.print(f"signed by: {found['signature']['key_id'] or 'nobody'}")
        files = (
            (file["file_name"], file["size_bytes"], file["sha256"])
            for file in found["manifest"]["artifacts"]
        )
        console.print(table_of(("File", "Bytes", "SHA-256"), files))
        console.print(
            table_of(("Figure", "Value"), ((k, f"{v:.4g}") for k, v in found["kpis"].items()))
        )
        changes = (
            (
                entry.get("change_time", ""),
                _became(entry),
                entry["actor"],
                entry["reason"],
            )
            for entry in history
        )
        console.print(table_of(("When", "Became", "By", "Why"), changes))

    output.document({"model_version": found, "history": history}, show=show)


def _versions_of(peers: Peers, name: str) -> list[dict[str, Any]]:
    request = mms.ListModelVersionsRequest(model_name=name)
    return [
        document_of(version)
        for version in every_page(peers.repository.ListModelVersions, request, "model_versions")
    ]


def _ratio_of(version: dict[str, Any]) -> str:
    kpis = version["kpis"]
    ratio = kpis.get(f"test.{_RATIO}", kpis.get(_RATIO))
    return "" if ratio is None else f"{ratio:.1%}"


def _became(entry: dict[str, Any]) -> str:
    if entry["alias"]:
        return f"alias {entry['alias']}"
    return "labelled" if "labels" in entry else str(entry["to_state"])

"""``aimlctl object``: managed objects of the OAM (TS 28.105, TS 28.541, TS 28.111, TS 28.622)."""

import difflib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.struct_pb2 import Struct
from rich.console import Console

from aimlctl.documents import document_of, time_of
from aimlctl.options import JsonOption, StateDirOption
from aimlctl.output import CommandError, Output, table_of
from aimlctl.paging import every_page
from aimlctl.peers import Peers, connected
from aimlctl.run_file import DEFAULT_STATE_DIR
from aimlnf.oam.v1 import provisioning_service_pb2 as service

ROOT = "SubNetwork=aimlnf"
_STATES = ("requestStatus", "activationStatus", "mLTestingResult", "administrativeState")


def _completed_class(incomplete: str) -> list[str]:
    """Classes whose names begin so, for the shell."""
    from oam.nrm.registry import CLASSES  # noqa: PLC0415 - only the shell's question needs it

    return sorted(name for name in CLASSES if name.startswith(incomplete))


NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Distinguished name, root first, as "
        "SubNetwork=aimlnf,ManagedElement=ground-station,MLTrainingFunction=mtlf.",
    ),
]
ClassOption = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="CLASS",
        help="Only of this class, as MLTrainingRequest; can be repeated. See 'object classes'.",
        autocompletion=_completed_class,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="ATTRIBUTE=VALUE",
        help="A value in JSON, or a plain text; can be repeated.",
    ),
]
EtagOption = Annotated[
    str,
    typer.Option("--etag", help="Of the object as it was looked at; fail if it has changed since."),
]

app = typer.Typer(
    no_args_is_help=True,
    help="Managed objects: requests, processes, reports, models, policies, alarms, beams.",
)


@app.command("list")
def list_objects(
    *,
    classes: ClassOption = None,
    base: Annotated[
        str, typer.Option("--base", metavar="NAME", help="Only this object and what it contains.")
    ] = ROOT,
    condition: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="CONDITION",
            help="""Conditions joined by 'and', as 'requestStatus == "FINISHED"'.""",
        ),
    ] = "",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Objects with where they stand, parents first."""
    output = Output.of(as_json=as_json)
    request = service.GetMoisRequest(
        base_distinguished_name=base,
        scope_type=service.SCOPE_TYPE_BASE_ALL,
        filter=condition,
    )
    with connected(state_dir) as peers:
        if classes:
            _check_classes(peers, classes)
        found = [
            _document(moi)
            for moi in every_page(peers.objects.GetMois, request, "mois")
            if not classes or moi.object_class in classes
        ]
    rows = (
        (
            one["object_class"],
            _standing(one["attributes"]),
            one["update_time"],
            one["distinguished_name"],
        )
        for one in found
    )
    columns = ("Class", "Stands", "Changed", "Name")
    output.document({"objects": found}, show=lambda console: console.print(table_of(columns, rows)))


@app.command("show")
def show_object(
    name: NameArgument,
    *,
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """One object with all its attributes."""
    request = service.GetMoisRequest(
        base_distinguished_name=name, scope_type=service.SCOPE_TYPE_BASE_ONLY
    )
    with connected(state_dir) as peers:
        (moi,) = peers.objects.GetMois(request).mois
    _tell(moi, as_json=as_json)


@app.command("create")
def create_object(
    name: NameArgument,
    *,
    values: SetOption = None,
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Create an object; its last part is the id that you choose."""
    request = service.CreateMoiRequest(
        distinguished_name=name, attributes=_struct(values or ()), request_id=str(uuid.uuid4())
    )
    with connected(state_dir) as peers:
        created = peers.objects.CreateMoi(request).moi
    _tell(created, as_json=as_json)


@app.command("modify")
def modify_object(
    name: NameArgument,
    *,
    values: SetOption = None,
    removed: Annotated[
        list[str] | None,
        typer.Option("--unset", metavar="ATTRIBUTE", help="Take it away; can be repeated."),
    ] = None,
    etag: EtagOption = "",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Change attributes of an object, as --set cancelRequest=true."""
    if not values and not removed:
        raise CommandError("nothing is to be changed; give --set or --unset")
    changes = _struct([*(values or ()), *(f"{attribute}=null" for attribute in removed or ())])
    request = service.ModifyMoiRequest(distinguished_name=name, attributes=changes, etag=etag)
    with connected(state_dir) as peers:
        modified = peers.objects.ModifyMoi(request).moi
    _tell(modified, as_json=as_json)


@app.command("delete")
def delete_object(
    name: NameArgument,
    *,
    etag: EtagOption = "",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Delete an object that nothing refers to."""
    output = Output.of(as_json=as_json)
    request = service.DeleteMoiRequest(distinguished_name=name, etag=etag)
    with connected(state_dir) as peers:
        peers.objects.DeleteMoi(request)
    output.document(
        {"deleted": name}, show=lambda console: console.print(f"{name} is deleted", soft_wrap=True)
    )


@app.command("classes")
def list_classes(
    *,
    classes: ClassOption = None,
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Classes: what contains their objects, what may be done with them, which attributes they have.

    An attribute with ! must be given at creation, one in brackets can only be read.
    """
    output = Output.of(as_json=as_json)
    with connected(state_dir) as peers:
        if classes:
            _check_classes(peers, classes)
        found = [
            document_of(each)
            for each in peers.objects.ListMoiClasses(service.ListMoiClassesRequest()).classes
            if not classes or each.name in classes
        ]
    rows = (
        (
            one["name"],
            ", ".join(one["operations"]) or "read only",
            ", ".join(one["parents"]) or "none",
            ", ".join(_attribute(each) for each in one["attributes"]),
        )
        for one in found
    )
    columns = ("Class", "Consumers may", "Inside", "Attributes")
    output.document({"classes": found}, show=lambda console: console.print(table_of(columns, rows)))


def _tell(moi: service.Moi, *, as_json: bool) -> None:
    document = _document(moi)

    def show(console: Console) -> None:
        console.print(f"[bold]{document['distinguished_name']}[/bold]", soft_wrap=True)
        console.print(f"etag {document['etag']}, changed {document['update_time']}")
        rows = ((name, _text(value)) for name, value in document["attributes"].items())
        console.print(table_of(("Attribute", "Value"), rows))

    Output.of(as_json=as_json).document({"object": document}, show=show)


def _document(moi: service.Moi) -> dict[str, Any]:
    attributes = MessageToDict(moi.attributes)
    return {
        "distinguished_name": moi.distinguished_name,
        "object_class": moi.object_class,
        "etag": moi.etag,
        "create_time": _time(moi.create_time),
        "update_time": _time(moi.update_time),
        "attributes": dict(sorted(attributes.items())),
    }


def _time(timestamp: Any) -> str:
    return time_of(timestamp).isoformat(timespec="seconds").replace("+00:00", "Z")


def _standing(attributes: Mapping[str, Any]) -> str:
    """The state that objects of the class have, if they have one."""
    progress = attributes.get("progressStatus")
    if progress is not None:
        return f"{progress['status']} {progress.get('progressPercentage', 0):g} %"
    return next((str(attributes[each]) for each in _STATES if each in attributes), "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _attribute(attribute: Mapping[str, Any]) -> str:
    name = str(attribute["name"])
    if attribute["read_only"]:
        return f"({name})"
    return f"{name}!" if attribute["required"] else name


def _struct(values: Sequence[str]) -> Struct:
    """Attributes given as ATTRIBUTE=VALUE; a value that is no JSON is a text."""
    attributes = {}
    for name, value in _pairs(values):
        try:
            attributes[name] = json.loads(value)
        except json.JSONDecodeError:
            if value[:1] in ("{", "[", '"'):
                raise CommandError(f"the value of {name} is no JSON: {value}") from None
            attributes[name] = value
    try:
        return ParseDict(attributes, Struct())
    except ParseError as error:
        raise CommandError(f"these attributes cannot be sent: {error}") from error


def _pairs(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    for each in values:
        name, is_given, value = each.partition("=")
        if not is_given or not name:
            raise CommandError(f"--set {each!r} is not of the form ATTRIBUTE=VALUE")
        yield name.strip(), value


def _check_classes(peers: Peers, classes: Sequence[str]) -> None:
    known = [
        each.name for each in peers.objects.ListMoiClasses(service.ListMoiClassesRequest()).classes
    ]
    for name in classes:
        if name not in known:
            alike = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {alike[0]}?" if alike else "see 'aimlctl object classes'"
            raise CommandError(f"there is no class {name}; {hint}")

"""`rasa-emotion forget`: deletes what is kept of one caller."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra

if TYPE_CHECKING:
    from rasa_emotion.privacy.forget import Deleted, Forgetter, Traces

KEPT = "The caller's no to the analysis of their emotions is kept, under a hash; --drop-choice deletes it too."


def forget(
    sender: Annotated[str | None, typer.Argument(help="Rasa's id of the conversation.")] = None,
    *,
    older_than: Annotated[
        float | None,
        typer.Option(min=0, metavar="DAYS", help="Instead of one caller, all of whom nothing has come for so long."),
    ] = None,
    endpoints: Annotated[
        Path | None,
        typer.Option(help="The bot's endpoints.yml; RASA_EMOTION_ENDPOINTS, or the one in this folder by default."),
    ] = None,
    drop_choice: Annotated[
        bool, typer.Option("--drop-choice", help="Forget also that the caller said no to the analysis.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; needs --yes to delete.")] = False,
) -> None:
    """Delete what is kept of a caller: conversation, handoffs, messages. Run it in the bot's folder.

    The exit code is 0 when nothing of them is left, also where there was nothing, and 1 when something has to be
    deleted elsewhere, which is then named, or was not deleted.

    Example: rasa-emotion forget +447700900123 --yes
    """
    if (sender is None) == (older_than is None):
        raise ConfigError("Name one caller, or --older-than with a number of days.")
    forgetter = _forgetter(endpoints)
    if older_than is not None:
        _forget_old(forgetter, older_than, drop_choice=drop_choice, yes=yes, as_json=as_json)
        return
    traces = forgetter.find(str(sender))
    if not as_json:
        _show(traces)
    wanted = traces.total > 0 or traces.said_no is False or (traces.said_no is True and drop_choice)
    agreed = wanted and (yes or (not as_json and typer.confirm("Delete all of this?")))
    deleted = forgetter.delete(traces, drop_choice=drop_choice) if agreed else None
    # Also where nothing is found: it may be the second try, after somebody else was reading.
    readable = deleted.left if deleted is not None else () if wanted else forgetter.clear()
    left = [*traces.left, *readable]
    if as_json:
        print(json.dumps({**_as_json(traces, deleted), "left": left}, ensure_ascii=False))
    else:
        _tell(traces, deleted, left)
    if left or (wanted and not agreed):
        raise typer.Exit(1)


def _forget_old(forgetter: "Forgetter", days: float, *, drop_choice: bool, yes: bool, as_json: bool) -> None:
    senders = forgetter.quiet_for(days)
    if not as_json:
        print(f"{len(senders)} callers have been quiet for more than {days:g} days.")
    agreed = bool(senders) and (yes or (not as_json and typer.confirm("Delete what is kept of them?")))
    left: dict[str, None] = {}
    for sender in track(senders if agreed else [], "Deleting", console=Console(stderr=True)):
        traces = forgetter.find(sender)
        forgetter.delete(traces, drop_choice=drop_choice, clear=False)
        left.update(dict.fromkeys(traces.left))
    left.update(dict.fromkeys(forgetter.clear() if agreed or not senders else ()))
    if as_json:
        print(json.dumps({"callers": len(senders), "deleted": agreed, "left": list(left)}, ensure_ascii=False))
    else:
        _name(left)
    if left or (senders and not agreed):
        raise typer.Exit(1)


def _forgetter(path: Path | None) -> "Forgetter":
    with needs_extra("handoff", "Forgetting a caller"):
        # Loaded here: the other verbs do without a database.
        from rasa_emotion.privacy.forget import Forgetter  # noqa: PLC0415
    if path is not None and not path.is_file():
        raise ConfigError(f"There is no file '{path}'; name the bot's endpoints.yml.")
    return Forgetter(path)


def _show(traces: "Traces") -> None:
    console = Console()
    table = Table(box=None, pad_edge=False)
    for heading in ("kept", "number", "where"):
        table.add_column(heading, justify="right" if heading == "number" else "left")
    for found in traces.found:
        table.add_row(found.place.name, str(found.number), Text(found.place.where))
    console.print(table)
    if not traces.total:
        console.print(f"Nothing of '{traces.sender}' is kept there.", markup=False, highlight=False)


def _tell(traces: "Traces", deleted: "Deleted | None", left: Iterable[str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if deleted is not None:
        console.print(f"Deleted: {', '.join(f'{number} {name}' for name, number in deleted.numbers.items())}.")
    if traces.said_no and (deleted is None or deleted.choice == "kept"):
        console.print(KEPT)
    _name(left)


def _name(left: Iterable[str]) -> None:
    for sentence in left:
        Console(highlight=False, soft_wrap=True).print(f"Left: {sentence}", style="yellow", markup=False)


def _as_json(traces: "Traces", deleted: "Deleted | None") -> dict[str, Any]:
    return {
        "sender": traces.sender,
        "found": [
            {"name": found.place.name, "number": found.number, "where": found.place.where} for found in traces.found
        ],
        "said_no": traces.said_no,
        "deleted": None if deleted is None else {**deleted.numbers, "choice": deleted.choice},
    }

"""`rasa-emotion handoff`: what waits for people, what did not arrive, and the worker that delivers it."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rasa_emotion.errors import ConfigError
from rasa_emotion.extras import needs_extra
from rasa_emotion.handoff.screen import packet_view, printable

if TYPE_CHECKING:
    from rasa_emotion.endpoints import Endpoints
    from rasa_emotion.handoff.outbox import Handoff, Outbox
    from rasa_emotion.handoff.record import Said
    from rasa_emotion.handoff.worker import Attempt, Worker
    from rasa_emotion.spool.folder import Entry

STATES = ("pending", "delivered", "dead")
SPOOLED = "spooled"
STYLES = {"pending": "yellow", "delivered": "green", "dead": "red", "retry": "yellow", "gone": "yellow"}

UNTRIED_SECS = 60.0
"""After which a packet that nobody tried to deliver is worth a word: a worker takes it within a second."""

EndpointsOption = Annotated[
    Path | None,
    typer.Option(help="The bot's endpoints.yml; RASA_EMOTION_ENDPOINTS, or the one in this folder by default."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

handoff = typer.Typer(
    help="See, retry and deliver what the bot hands to people.\n\nExample: rasa-emotion handoff list",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@handoff.command("list")
def list_(
    *,
    state: Annotated[str | None, typer.Option(help="Only those that are pending, delivered or dead.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only those of one conversation.")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    endpoints: EndpointsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List packets, newest first, and what keeps those from arriving that wait.

    Example: rasa-emotion handoff list --state dead
    """
    if state is not None and state not in STATES:
        raise ConfigError(f"--state is '{state}'; choose from {', '.join(STATES)}.")
    spooled = [] if state else [entry for entry in _spooled(endpoints) if sender in (None, entry.sender)]
    try:
        outbox, settings = find_outbox(endpoints)
        rows = outbox.rows(state=state, sender=sender, most=most) if outbox else []
    except Exception:
        _tell_spooled(spooled)  # what can be known where the database does not answer
        raise
    if as_json:
        waiting = [{"state": SPOOLED, "kind": one.kind, "sender": one.sender, **one.body} for one in spooled]
        print(json.dumps([*waiting, *(row.to_dict() for row in rows)]))
        return
    console = Console()
    _tell_spooled(spooled)
    console.print(_table(rows) if rows else "There is nothing.")
    if outbox is None:
        console.print(nothing_kept(settings), markup=False, highlight=False, soft_wrap=True)
        return
    for trouble in _troubles(rows):
        console.print(trouble, style=STYLES["dead"], markup=False, highlight=False, soft_wrap=True)
    counted = outbox.count()
    console.print(", ".join(f"{number} {name}" for name, number in counted.items()), highlight=False)
    if _are_untried(rows):
        console.print(
            "Some of what is pending has not been tried yet: see that the bot's server or 'rasa-emotion handoff "
            "work' runs, and whether its log has trouble with the helpdesk.",
            style=STYLES["pending"],
            soft_wrap=True,
        )
    if outbox.rows(state="dead", most=1):
        console.print("To try what is dead again: rasa-emotion handoff retry --all", highlight=False)


@handoff.command()
def show(
    key: Annotated[str, typer.Argument(help="The packet's key, or how it begins.")],
    *,
    endpoints: EndpointsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a packet as the person sees it who takes over.

    Example: rasa-emotion handoff show 0284301b
    """
    outbox = _kept(endpoints, key)
    from rasa_emotion.handoff.record import Record  # noqa: PLC0415

    row = outbox.find(key)
    if as_json:
        print(json.dumps(row.to_dict()))
        return
    console = Console()
    console.print(packet_view(row.packet))
    console.print(_delivery(row))
    for said in Record(outbox.engine).messages_after(row.packet.sender, direction=None):
        if said.handoff == row.key:
            console.print(_said(said))


@handoff.command()
def retry(
    key: Annotated[str | None, typer.Argument(help="The packet's key, or how it begins.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    endpoints: EndpointsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try dead letters again: packets and messages that were refused, or failed too often.

    Example: rasa-emotion handoff retry --all
    """
    if (key is None) == (not every):
        raise ConfigError("Name the key of one packet, or --all for all dead letters.")
    if key is not None:
        outbox = _kept(endpoints, key)
        number = outbox.retry(outbox.find(key).key)
    else:
        found, _ = find_outbox(endpoints)
        number = found.retry() if found else 0
    print(json.dumps({"retried": number}) if as_json else f"{number} will be tried again.")


@handoff.command()
def work(
    *,
    until_empty: Annotated[bool, typer.Option(help="End when nothing waits any more.")] = False,
    endpoints: EndpointsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each try.")] = False,
) -> None:
    """Deliver packets and callers' messages to the helpdesk until Ctrl+C or SIGTERM; what was begun is finished.

    Example: rasa-emotion handoff work --endpoints endpoints.yml
    """
    outbox, settings = open_outbox(endpoints)
    asyncio.run(_work(outbox, settings, until_empty=until_empty, as_json=as_json))


@handoff.command("new-key")
def new_key(
    file: Annotated[Path, typer.Argument(help="Where the key goes; only you can read it.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Make the key with which the spool is encrypted; name it as `spool: {key_file: FILE}` in endpoints.yml.

    Example: rasa-emotion handoff new-key spool.key
    """
    from rasa_emotion.spool.cipher import write_new_key  # noqa: PLC0415

    write_new_key(file)
    print(json.dumps({"key_file": str(file)}) if as_json else f"'{file}' holds the key. Keep a copy of it elsewhere.")


def _spooled(path: Path | None) -> "list[Entry]":
    """What waits beside the database."""
    settings = _settings(path)
    from rasa_emotion.handoff.keeper import Keeper  # noqa: PLC0415

    return Keeper.of(settings).waiting()


def _tell_spooled(entries: "list[Entry]") -> None:
    if not entries:
        return
    packets = [entry for entry in entries if entry.kind == "packet"]
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(
        f"{len(packets)} packets and {len(entries) - len(packets)} messages wait in the spool, since "
        f"{datetime.fromtimestamp(entries[0].at):%m-%d %H:%M}: the database refuses them, or no server has run since.",
        style=STYLES["pending"],
        markup=False,
    )
    for entry in packets:
        console.print(f"{entry.body['key'][:8]} {entry.body['kind']} {printable(entry.sender)}", markup=False)


def open_outbox(path: Path | None) -> "tuple[Outbox, Endpoints]":
    """The outbox that endpoints.yml leads to, made where it is missing, and the settings.

    Raises:
        ConfigError: the file is wrong or missing, the database cannot be used, or the extra is not installed.
    """
    settings = _settings(path)
    from rasa_emotion.database import create_tables, open_database  # noqa: PLC0415
    from rasa_emotion.handoff.outbox import Outbox  # noqa: PLC0415

    engine = open_database(settings.database)
    create_tables(engine)
    return Outbox(engine), settings


def find_outbox(path: Path | None) -> "tuple[Outbox | None, Endpoints]":
    """As `open_outbox`, for who only looks: None where there is no outbox yet, and none is made."""
    settings = _settings(path)
    from rasa_emotion.database import holds  # noqa: PLC0415
    from rasa_emotion.handoff.tables import handoffs  # noqa: PLC0415

    return open_outbox(path) if holds(settings.database, handoffs.name) else (None, settings)


def nothing_kept(settings: "Endpoints") -> str:
    """What is said where there is no outbox yet."""
    from sqlalchemy.engine.url import make_url  # noqa: PLC0415

    where = make_url(settings.database).render_as_string(hide_password=True)
    return f"Nothing was ever handed over in '{where}'; run this in the folder in which the bot runs."


def _kept(path: Path | None, key: str) -> "Outbox":
    """The outbox in which a packet is to be looked for. Raises ConfigError where there is none."""
    outbox, settings = find_outbox(path)
    if outbox is None:
        raise ConfigError(f"There is no handoff with a key that begins with '{key}'. {nothing_kept(settings)}")
    return outbox


def _settings(path: Path | None) -> "Endpoints":
    with needs_extra("handoff", "Handing over"):
        # Loaded here: the other verbs do without a database.
        from rasa_emotion.endpoints import read_endpoints  # noqa: PLC0415
        from rasa_emotion.handoff.redact import Rules  # noqa: PLC0415
    if path is not None and not path.is_file():
        raise ConfigError(f"There is no file '{path}'; name the bot's endpoints.yml.")
    settings = read_endpoints(path)
    Rules.of(settings.redact)
    return settings


async def _work(outbox: "Outbox", settings: "Endpoints", *, until_empty: bool, as_json: bool) -> None:
    from rasa_emotion.handoff.helpdesks import open_helpdesk  # noqa: PLC0415
    from rasa_emotion.handoff.keeper import Keeper  # noqa: PLC0415
    from rasa_emotion.handoff.worker import Worker  # noqa: PLC0415

    console = Console(soft_wrap=True, highlight=False)
    trouble = Console(stderr=True, soft_wrap=True, highlight=False)
    helpdesk = open_helpdesk(settings.helpdesk)
    worker = Worker.of(
        settings,
        outbox,
        helpdesk,
        keeper=Keeper.of(settings),
        on_attempt=(lambda attempt: print(json.dumps(vars(attempt)), flush=True))
        if as_json
        else (lambda attempt: console.print(_attempt(attempt))),
        on_trouble=lambda sentence: trouble.print(sentence, style="red", markup=False),
    )
    _stop_on_signals(worker)
    if not as_json:
        console.print(f"{outbox.waiting()} wait for the helpdesk '{helpdesk.name}'.")
    try:
        await worker.run(until_empty=until_empty)
    finally:
        await helpdesk.close()


def _stop_on_signals(worker: "Worker") -> None:
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, worker.stop)


def _attempt(attempt: "Attempt") -> Text:
    parts = [f"{datetime.now():%H:%M:%S} {attempt.what} {attempt.key[:8]} "]
    more = [f"ticket {attempt.ticket}"] if attempt.ticket else []
    more += [f"try {attempt.attempts}"] if attempt.attempts > 1 else []
    more += [attempt.error] if attempt.error else []
    more += [f"again in {attempt.wait_secs:.0f} s"] if attempt.wait_secs is not None else []
    outcome = (attempt.outcome, STYLES.get(attempt.outcome, ""))
    return Text.assemble(*parts, outcome, f" {printable(', '.join(more))}")


def _table(rows: "list[Handoff]") -> Table:
    table = Table(box=None, pad_edge=False)
    for heading, width in (("key", 8), ("created", 11), ("kind", 16), ("sender", 16), ("state", 9), ("ticket", 10)):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=width)
    for row in rows:
        packet = row.packet
        table.add_row(
            packet.key[:8],
            f"{datetime.fromtimestamp(row.created):%m-%d %H:%M}",
            packet.kind if packet.urgency == "normal" else f"{packet.kind}, {packet.urgency}",
            Text(printable(packet.sender)),
            Text(row.state, STYLES[row.state]),
            Text(printable(row.ticket or "")),
        )
    return table


def _are_untried(rows: "list[Handoff]") -> bool:
    """Whether a packet should have been tried by now, and was not; it waits for an earlier one of the same caller."""
    pending = [row for row in rows if row.state == "pending"]
    tried = {row.packet.sender for row in pending if row.attempts or row.error}
    late = (row for row in pending if time.time() - row.next_attempt > UNTRIED_SECS)
    return any(row.packet.sender not in tried for row in late)


def _troubles(rows: "list[Handoff]") -> Iterator[str]:
    """What stands in the way of those that have not arrived, each in a line of its own."""
    for row in rows:
        number = row.dead_messages
        parts = [row.error] if row.error else []
        parts += [f"{number} message{'s are' if number > 1 else ' is'} dead."] if number else []
        if parts:
            yield f"{row.key[:8]} at try {row.attempts}: {printable(' '.join(parts))}"


def _said(said: "Said") -> Text:
    who = "caller" if said.direction == "to_human" else "human"
    state = "" if said.state == "delivered" else f" ({said.state})"
    moment = f"{datetime.fromtimestamp(said.created):%H:%M:%S}  "
    return Text.assemble(moment, (who, "bold"), f"  {printable(said.text)}", state)


def _delivery(row: "Handoff") -> Text:
    said = {"pending": "waits to be delivered", "delivered": "delivered", "dead": "given up"}[row.state]
    more = [f"ticket {row.ticket}"] if row.ticket else []
    more += [f"{row.attempts} tries" if row.attempts != 1 else "one try"]
    more += [row.error] if row.error else []
    more += [f"taken by {row.taken_by}"] if row.taken_by else []
    more += [f"handed back: {row.outcome or 'without a word'}"] if row.closed else []
    return Text.assemble((said, STYLES[row.state]), f" ({printable('; '.join(more))})")

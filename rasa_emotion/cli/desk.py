"""`rasa-emotion desk`: the person's side of a handover, in the terminal."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from queue import Empty, Queue
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rasa_emotion.cli.handoff import EndpointsOption, find_outbox, nothing_kept
from rasa_emotion.conversation.decision import URGENCIES
from rasa_emotion.errors import ConfigError, RasaEmotionError
from rasa_emotion.handoff.packet import Packet, stored_packet
from rasa_emotion.handoff.screen import packet_view, printable

if TYPE_CHECKING:
    from rasa_emotion.handoff.record import Handover, Record, Said

LOOK_SECS = 0.5
"""Between looks for what callers say, while nothing is typed."""

SHOWN_KEY = 8
"""Characters of a key that are enough to tell conversations apart."""

LINE_BREAK = "\n        "
"""Further lines stand below the first, so that none of them looks like another's words."""

STYLES = {"urgent": "bold red", "high": "yellow"}
VOICES = {"to_human": ("caller", "bold cyan"), "to_caller": ("you", "bold green")}
MACHINES = {"to_human": ("note", "yellow"), "to_caller": ("auto", "green")}

HELP = """\
/list            who waits
/open NUMBER     take a conversation; NUMBER alone does too, while none is open
anything else    goes to the caller
/back OUTCOME    hand the conversation back; the bot knows the outcome
/quit            leave; conversations stay as they are"""


def desk(
    *,
    say: Annotated[
        tuple[str, str] | None, typer.Option(metavar="KEY TEXT", help="Say this to the caller of one conversation.")
    ] = None,
    back: Annotated[
        tuple[str, str] | None, typer.Option(metavar="KEY OUTCOME", help="Hand one conversation back to the bot.")
    ] = None,
    endpoints: EndpointsOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print who waits, with packets and messages, as JSON; take no commands.")
    ] = False,
) -> None:
    """See who waits for a human, talk to them, and hand them back to the bot.

    Example: rasa-emotion desk --endpoints endpoints.yml
    """
    outbox, settings = find_outbox(endpoints)
    if outbox is None:
        _nobody(nothing_kept(settings), asked_for=say or back, as_json=as_json)
        return
    from rasa_emotion.handoff.record import Record  # noqa: PLC0415 -- needs a database, which was found above

    record = Record(outbox.engine)
    if say is None and back is None and not as_json:
        Desk(record, Console(highlight=False, soft_wrap=True)).run(sys.stdin.isatty())
        return
    if say is not None:
        _say(record, _find(record, say[0]), say[1])
    if back is not None:
        record.close(_find(record, back[0]).key, back[1])
    if as_json:
        print(json.dumps([_waiting(record, handover) for handover in _by_urgency(record.open_handovers())]))


class Desk:
    """One person at the terminal. What is typed comes from a thread, so that callers are heard meanwhile.

    Args:
        record: who waits, and what is said.
        console: where it is shown.
    """

    def __init__(self, record: "Record", console: Console) -> None:
        self._record = record
        self._console = console
        self._listed: list[Handover] = []
        self._known: set[str] = set()
        self._open: Handover | None = None
        self._shown = 0

    def run(self, interactive: bool = True) -> None:
        """Until /quit, Ctrl+C or the end of the input."""
        if interactive:
            self._console.print(HELP, style="dim")
        self._list()
        try:
            for line in _lines():
                if line.strip() == "/quit":
                    return
                try:
                    self._take(line.strip())
                    self._look()
                except RasaEmotionError as error:
                    self._console.print(Text(str(error), "red"))
        except KeyboardInterrupt:
            return

    def _take(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        if not line:
            return
        if command == "/list":
            self._open = None
            self._list()
        elif command == "/open" or (self._open is None and line.isdigit()):
            self._enter(rest.strip() or line)
        elif command == "/back":
            self._back(rest.strip())
        elif command.startswith("/"):
            self._console.print(HELP, style="dim")
        elif self._open is None:
            raise ConfigError("No conversation is open; type its number from /list.")
        else:
            _say(self._record, self._open, line)

    def _list(self) -> None:
        self._listed = _by_urgency(self._record.open_handovers())
        self._known = {handover.key for handover in self._listed}
        self._console.print(_table(self._listed) if self._listed else "Nobody waits.")

    def _enter(self, number: str) -> None:
        if not number.isdigit() or not 1 <= int(number) <= len(self._listed):
            raise ConfigError(f"There is no conversation '{number}'; type a number from /list.")
        self._open = self._listed[int(number) - 1]
        self._shown = 0
        self._console.print(packet_view(_packet(self._open)), soft_wrap=False)

    def _back(self, outcome: str) -> None:
        if self._open is None:
            raise ConfigError("No conversation is open; type its number from /list.")
        self._record.close(self._open.key, outcome)
        self._console.print("The bot has the conversation again.")
        self._open = None
        self._list()

    def _look(self) -> None:
        """Show what is new: words in the open conversation, and others who wait."""
        if self._open is not None:
            for said in self._record.messages_after(self._open.sender, self._shown, direction=None):
                self._shown = said.id
                if said.handoff == self._open.key:
                    self._console.print(_line(said))
            now = self._record.handover(self._open.key)
            if now is None or now.closed is not None:
                self._console.print("Somebody else has ended this conversation.")
                self._open = None
        for handover in self._record.open_handovers():
            if handover.key not in self._known:
                self._known.add(handover.key)
                self._console.print(Text.assemble("Somebody waits: ", _reason(handover), "; see /list."))


def _nobody(sentence: str, *, asked_for: tuple[str, str] | None, as_json: bool) -> None:
    """Say that nobody ever waited. Raises ConfigError where one of them was asked for."""
    if asked_for is not None:
        raise ConfigError(f"No human has a conversation whose key begins with '{asked_for[0]}'. {sentence}")
    print("[]" if as_json else f"Nobody waits. {sentence}")


def _lines() -> Iterator[str]:
    """What is typed, and an empty line whenever nothing was for a while; ends with the input."""
    typed: Queue[str | None] = Queue()

    def read() -> None:
        for line in sys.stdin:
            typed.put(line)
        typed.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = typed.get(timeout=LOOK_SECS)
        except Empty:
            line = ""
        if line is None:
            return
        yield line


def _find(record: "Record", key: str) -> "Handover":
    """The open handover whose key begins so. Raises ConfigError where there is none or several."""
    found = [handover for handover in record.open_handovers() if key and handover.key.startswith(key)]
    if len(found) != 1:
        fault = (
            "Several conversations have keys that begin" if found else "No human has a conversation whose key begins"
        )
        raise ConfigError(f"{fault} with '{key}'; see 'rasa-emotion desk --json'.")
    return found[0]


def _say(record: "Record", handover: "Handover", text: str) -> None:
    if text.strip():
        record.to_caller(handover.key, text.strip(), uuid4().hex)


def _by_urgency(handovers: "list[Handover]") -> "list[Handover]":
    """The most urgent first, and of these the one who waits longest."""
    return sorted(handovers, key=lambda handover: -URGENCIES.index(_packet(handover).urgency))


def _packet(handover: "Handover") -> Packet:
    basics = {name: getattr(handover, name) for name in ("key", "sender", "channel", "created")}
    return stored_packet(handover.packet, kind="handover", **basics)


def _waiting(record: "Record", handover: "Handover") -> dict[str, Any]:
    said = record.messages_after(handover.sender, direction=None)
    return {
        "key": handover.key,
        "sender": handover.sender,
        "channel": handover.channel,
        "waiting_secs": round(time.time() - handover.created, 1),
        "packet": _packet(handover).to_dict(),
        "messages": [asdict(one) for one in said if one.handoff == handover.key],
    }


def _table(handovers: "list[Handover]") -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "urgency", "waiting", "caller", "reason", "key"):
        table.add_column(heading, overflow="fold")
    for number, handover in enumerate(handovers, start=1):
        packet = _packet(handover)
        urgency = Text(packet.urgency, STYLES.get(packet.urgency, ""))
        caller = Text(printable(f"{handover.sender} on {handover.channel}"))
        key = Text(handover.key[:SHOWN_KEY], "dim")
        table.add_row(str(number), urgency, _duration(time.time() - handover.created), caller, _reason(handover), key)
    return table


def _reason(handover: "Handover") -> Text:
    return Text(printable(_packet(handover).reason))


def _duration(secs: float) -> str:
    minutes, seconds = divmod(max(0, int(secs)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _line(said: "Said") -> Text:
    name, style = (MACHINES if said.machine else VOICES)[said.direction]
    return Text.assemble((f"{name:>6}  ", style), printable(said.text, LINE_BREAK))

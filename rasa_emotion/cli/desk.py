"""`rasa-emotion desk`: the person's side of a handover, in the terminal."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
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
from rasa_emotion.handoff.screen import packet_view, printable
from rasa_emotion.turn.roles import LONGEST_NAME, PERSON_NAME, login_name

if TYPE_CHECKING:
    from rasa_emotion.handoff.desk_record import DeskRecord, Waiting
    from rasa_emotion.handoff.record import Said

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
/pass NAME       give the conversation to a colleague; without a name, to whoever takes it
/quit            leave; the conversations that you took stay yours"""


def desk(
    *,
    say: Annotated[
        tuple[str, str] | None, typer.Option(metavar="KEY TEXT", help="Say this to the caller of one conversation.")
    ] = None,
    back: Annotated[
        tuple[str, str] | None, typer.Option(metavar="KEY OUTCOME", help="Hand one conversation back to the bot.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Who you are, as at the console; the name you are logged in under by default."),
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
    from rasa_emotion.handoff.desk_record import DeskRecord  # noqa: PLC0415 -- needs a database, which was found above

    who = Who(DeskRecord(outbox.engine), _name(name))
    if say is None and back is None and not as_json:
        Desk(who, Console(highlight=False, soft_wrap=True)).run(sys.stdin.isatty())
        return
    if say is not None:
        who.say(_find(who.desk, say[0]), say[1])
    if back is not None:
        who.desk.close(_find(who.desk, back[0]).key, back[1], by=who.name)
    if as_json:
        print(json.dumps([_told(who.desk, waiting) for waiting in _by_urgency(who.desk.waiting())]))


@dataclass(frozen=True)
class Who:
    """Somebody at the desk, under the same name as at the console.

    Args:
        desk: who waits, who has taken it, and what is said.
        name: theirs.
    """

    desk: "DeskRecord"
    name: str

    def say(self, waiting: "Waiting", text: str) -> None:
        """Say something to a caller, whom they have from then on. Raises TakenError where another has them."""
        if text.strip():
            self.desk.to_caller(waiting.key, text.strip(), uuid4().hex, by=self.name)


class Desk:
    """One person at the terminal. What is typed comes from a thread, so that callers are heard meanwhile.

    Args:
        who: the person, and what they reach.
        console: where it is shown.
    """

    def __init__(self, who: Who, console: Console) -> None:
        self._who = who
        self._console = console
        self._listed: list[Waiting] = []
        self._known: set[str] = set()
        self._open: Waiting | None = None
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
            self._who.desk.close(self._opened().key, rest.strip(), by=self._who.name)
            self._leave("The bot has the conversation again.")
        elif command == "/pass":
            self._who.desk.pass_on(self._opened().key, self._who.name, rest.strip() or None)
            self._leave(f"{rest.strip() or 'Whoever takes it'} has the conversation from here on.")
        elif command.startswith("/"):
            self._console.print(HELP, style="dim")
        else:
            self._who.say(self._opened(), line)

    def _list(self) -> None:
        self._listed = _by_urgency(self._who.desk.waiting())
        self._known = {waiting.key for waiting in self._listed}
        self._console.print(_table(self._listed, self._who.name) if self._listed else "Nobody waits.")

    def _enter(self, number: str) -> None:
        if not number.isdigit() or not 1 <= int(number) <= len(self._listed):
            raise ConfigError(f"There is no conversation '{number}'; type a number from /list.")
        chosen = self._listed[int(number) - 1]
        self._who.desk.take(chosen.key, self._who.name)
        self._open = chosen
        self._shown = 0
        self._console.print(packet_view(chosen.packet), soft_wrap=False)

    def _opened(self) -> "Waiting":
        if self._open is None:
            raise ConfigError("No conversation is open; type its number from /list.")
        return self._open

    def _leave(self, sentence: str) -> None:
        self._console.print(Text(sentence))
        self._open = None
        self._list()

    def _look(self) -> None:
        """Show what is new: words in the open conversation, and others who wait."""
        waiting = self._who.desk.waiting()
        if self._open is not None:
            for said in self._who.desk.messages_after(self._open.sender, self._shown, direction=None):
                self._shown = said.id
                if said.handoff == self._open.key:
                    self._console.print(_line(said))
            now = next((one for one in waiting if one.key == self._open.key), None)
            if now is None or now.taken_by != self._who.name:
                sentence = "Somebody else has ended this conversation."
                self._console.print(sentence if now is None else f"{now.taken_by or 'Nobody'} has it from here on.")
                self._open = None
        for one in waiting:
            if one.key not in self._known:
                self._known.add(one.key)
                self._console.print(Text.assemble("Somebody waits: ", printable(one.packet.reason), "; see /list."))


def _name(given: str | None) -> str:
    """Who sits at the desk. Raises ConfigError where `given` is no name."""
    if given is None:
        return login_name()
    if not PERSON_NAME.fullmatch(given):
        raise ConfigError(f"'{given}' cannot be a name; give letters, digits and .@+-_, at most {LONGEST_NAME}.")
    return given


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


def _find(desk: "DeskRecord", key: str) -> "Waiting":
    """The open handover whose key begins so. Raises ConfigError where there is none or several."""
    found = [waiting for waiting in desk.waiting() if key and waiting.key.startswith(key)]
    if len(found) != 1:
        fault = (
            "Several conversations have keys that begin" if found else "No human has a conversation whose key begins"
        )
        raise ConfigError(f"{fault} with '{key}'; see 'rasa-emotion desk --json'.")
    return found[0]


def _by_urgency(waiting: "list[Waiting]") -> "list[Waiting]":
    """The most urgent first, and of these the one who waits longest."""
    return sorted(waiting, key=lambda one: -URGENCIES.index(one.packet.urgency))


def _told(desk: "DeskRecord", waiting: "Waiting") -> dict[str, Any]:
    said = desk.messages_after(waiting.sender, direction=None)
    return {
        "key": waiting.key,
        "sender": waiting.sender,
        "channel": waiting.channel,
        "waiting_secs": round(time.time() - waiting.created, 1),
        "taken_by": waiting.taken_by,
        "packet": waiting.packet.to_dict(),
        "messages": [asdict(one) for one in said if one.handoff == waiting.key],
    }


def _table(handovers: "list[Waiting]", me: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "urgency", "waiting", "caller", "with", "reason", "key"):
        table.add_column(heading, overflow="fold")
    for number, one in enumerate(handovers, start=1):
        urgency = Text(one.packet.urgency, STYLES.get(one.packet.urgency, ""))
        caller = Text(printable(f"{one.sender} on {one.channel}"))
        has = Text("you" if one.taken_by == me else printable(one.taken_by or ""))
        key = Text(one.key[:SHOWN_KEY], "dim")
        waited = _duration(time.time() - one.created)
        table.add_row(str(number), urgency, waited, caller, has, Text(printable(one.packet.reason)), key)
    return table


def _duration(secs: float) -> str:
    minutes, seconds = divmod(max(0, int(secs)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _line(said: "Said") -> Text:
    name, style = (MACHINES if said.machine else VOICES)[said.direction]
    return Text.assemble((f"{name:>6}  ", style), printable(said.text, LINE_BREAK))

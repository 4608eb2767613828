"""Plays a call with audio to the example bot, running as a real Rasa server, and shows what it hears.

python bot_example/demo.py                  the scripted caller, spoken by espeak-ng
python bot_example/demo.py --call FOLDER    your own 01.wav and 01.txt, 02.wav and 02.txt, ...
python bot_example/demo.py --call actors    actors of RAVDESS, where the corpora are present
python bot_example/demo.py --live           through the channel of live calls, its words heard by a recogniser
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import uuid4

import typer
from playback import command
from playback.calls import Call, Turn, open_call
from playback.exchange import exchange_with
from playback.live import installed, play_live
from playback.models import credentials_for, endpoints_for
from playback.outcome import Outcome, outcome_of
from playback.screen import show_call, show_ending, show_exchange, show_turn
from playback.server import Bot, running_bot, trained_model
from rich.console import Console

from rasa_emotion.errors import ConfigError

DEFAULT_ACTOR = "ravdess-08"


def demo(
    call: Annotated[str | None, typer.Option(help="A folder with 01.wav, 01.txt, ..., or the word 'actors'.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per turn.")] = False,
    actor: Annotated[str, typer.Option(help="The speaker of --call actors.")] = DEFAULT_ACTOR,
    data: Annotated[
        Path, typer.Option(envvar="RASA_EMOTION_DATA", help="Folder with the corpora, for --call actors.")
    ] = Path("../shared/data"),
    live: Annotated[
        bool, typer.Option(help="Hold a live call: words are recognised, answers are spoken. Needs a recogniser.")
    ] = False,
) -> None:
    """Play a call to the example bot and show what it hears."""
    # A person reads standard output, or a program does: progress goes to standard error in both cases.
    progress = Console(stderr=True)
    screen = Console(quiet=as_json)
    recogniser = usable() if live else None
    with open_call(call, data=data, actor=actor) as played, serving(played, progress, recogniser) as (bot, endpoints):
        show_call(screen, played)
        sender, outcomes = f"demo-{uuid4().hex[:8]}", []
        for turn, outcome in (play_live if live else play)(bot, played, sender):
            outcomes.append(outcome)
            show_turn(screen, turn, outcome)
            if as_json:
                print(json.dumps(outcome.to_dict(), ensure_ascii=False), flush=True)
        show_ending(screen, outcomes)
        exchange = exchange_with(bot, sender, endpoints)
        if exchange is not None:
            show_exchange(screen, exchange)
            if as_json:
                print(json.dumps(exchange.to_dict(), ensure_ascii=False), flush=True)


@contextmanager
def serving(call: Call, progress: Console, recogniser: str | None = None) -> Iterator[tuple[Bot, Path]]:
    """The bot, trained and ready, hearing with the acoustic model that suits the call; and its endpoints."""
    with TemporaryDirectory(prefix="rasa-emotion-demo-") as folder:
        credentials = credentials_for(call, Path(folder), recogniser=recogniser)
        endpoints = endpoints_for(Path(folder))
        if not progress.is_terminal:
            progress.print("Training the bot, unless it has not changed, and starting the Rasa server ...")
        with progress.status("Training the bot (nothing to do when it has not changed) ..."):
            model = trained_model()
        log = Path(folder) / "server.log"
        with (
            progress.status("Starting the Rasa server ...") as status,
            running_bot(model, credentials, endpoints, log) as bot,
        ):
            status.stop()
            yield bot, endpoints


def usable() -> str:
    """The recogniser that is installed. Raises ConfigError where there is none."""
    found = installed()
    if found == "none":
        raise ConfigError(
            "A live call needs a recogniser, and none is installed; run: python3 scripts/environment.py speech"
        )
    return found


def play(bot: Bot, call: Call, sender: str) -> Iterator[tuple[Turn, Outcome]]:
    """Send the call turn by turn; each turn with what it did."""
    for number, turn in enumerate(call.turns, start=1):
        answers, warning = bot.send(sender, turn.text, turn.audio)
        yield turn, outcome_of(number, turn, answers, bot.tracker(sender), warning=warning)


if __name__ == "__main__":
    sys.exit(command.run(demo))

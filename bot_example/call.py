"""Starts the example bot with its telephone: `make call`, then open the address that is printed in a browser.

python bot_example/call.py                 speaks with espeak-ng; hears words where a recogniser is installed
python bot_example/call.py --recogniser none   hears the voice alone; words can be typed
"""

import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from playback import command
from playback.live import installed
from playback.models import credentials_for, endpoints_for
from playback.server import running_bot, trained_model
from rich.console import Console


def call(
    recogniser: Annotated[
        str | None, typer.Option(help="whisper, moonshine or none; the one that is installed by default.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as one JSON object.")] = False,
    ends: Annotated[bool, typer.Option("--end-at-once", hidden=True)] = False,
) -> None:
    """Start the bot and its softphone."""
    progress = Console(stderr=True, soft_wrap=True)
    chosen = recogniser or installed()
    with TemporaryDirectory(prefix="rasa-emotion-call-") as folder:
        progress.print("Training the bot, unless it has not changed, and starting the Rasa server ...")
        credentials = credentials_for(None, Path(folder), recogniser=chosen, silence_secs=15, begin="/greet")
        endpoints = endpoints_for(Path(folder))
        with running_bot(trained_model(), credentials, endpoints, Path(folder) / "server.log") as bot:
            softphone = f"{bot.address}/webhooks/voice/softphone"
            if as_json:
                print(json.dumps({"softphone": softphone, "recogniser": chosen}), flush=True)
            else:
                show(progress, softphone, chosen)
            while not ends:
                time.sleep(3600)


def show(screen: Console, softphone: str, recogniser: str) -> None:
    screen.print(f"\nOpen [bold]{softphone}[/bold] and press Call.")
    if recogniser == "none":
        screen.print(
            "No recogniser is installed, so the bot hears your voice and reads what you type; "
            "`python3 scripts/environment.py speech` installs two."
        )
    else:
        screen.print(f"Words are heard by {recogniser}, on this machine.")
    screen.print("Ctrl-C ends the bot; the handoff queue is `rasa-emotion desk`, in the folder bot_example.\n")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(command.run(call))

"""Channels in a server process of their own: `python serve_channel.py HOST PORT '{"module.Class": {...}}'`.

The bot answers with sender, channel and text. At the text "exit" it asks the process to exit, as tracker stores do. At
"count" it adds the number of such messages, at "slow" after two seconds, at "number" it says the last one. At "wait" it
waits until there is a file `go_on` in its folder; at "stand" the whole server stands still until then, and the file
`stands` says so.
"""

import asyncio
import json
import logging
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from fake_analyzer import install
from rasa.core.channels.channel import UserMessage, register
from rasa.core.run import _create_app_without_api
from rasa.shared.utils.common import class_from_module_path

from rasa_emotion.bot.rasa_versions import PRO

GO_ON, STANDS = Path("go_on"), Path("stands")

counted = [0]


async def bot(message: UserMessage) -> None:
    if message.text == "exit":
        raise SystemExit(1)
    if message.text == "slow":
        await asyncio.sleep(2.0)
    while message.text == "wait" and not GO_ON.exists():
        await asyncio.sleep(0.01)
    if message.text == "stand":
        STANDS.touch()
        while not GO_ON.exists():
            time.sleep(0.01)
    number = counted[0] = counted[0] + (message.text in ("count", "slow"))
    said = f"{message.sender_id} {message.input_channel} {message.text}"
    said += f" {number}" if message.text in ("count", "slow", "number") else ""
    await message.output_channel.send_text_message(message.sender_id, said)


def main(host: str, port: str, credentials: str) -> None:
    logging.basicConfig(level=logging.INFO)
    app = _create_app_without_api(cors="*")
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 1.0
    app.ctx.agent = SimpleNamespace(
        handle_message=bot, is_ready=lambda: False, domain=SimpleNamespace(intents=["voice_without_words"])
    )
    named = json.loads(credentials).items()
    channels = [class_from_module_path(name).from_credentials(options) for name, options in named]
    register(channels, app, route="/webhooks/")
    install()
    backlog = int(os.environ.get("SANIC_BACKLOG", "100"))  # as Rasa begins to listen
    # Rasa Pro's Sanic would start a second process, which does not know this app.
    alone = {"single_process": True} if PRO else {}
    app.run(host, int(port), access_log=False, workers=1, backlog=backlog, **alone)


if __name__ == "__main__":
    main(*sys.argv[1:])

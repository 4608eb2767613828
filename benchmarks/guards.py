"""What all guards of a channel add to a turn, beside the same channel without them, side by side in one run.

One server holds `EmotionRestInput` twice, with a bot that answers at once. One of them has what a bot on a network has:
keys from a token file, tickets, roles, the limits of a body's length and pace, of words, metadata and waiting turns,
and a check of names. The other one has none of them: its handler gets the request as Sanic has read it, and hands its
words on. Both take the same turns, in rounds that alternate. The figure is the server's CPU time for each turn, at the
median over the rounds; the added time is the median of each round's difference.

    python benchmarks/guards.py              # a table; --json and --markdown for programs and documents
    python benchmarks/guards.py --rounds 60
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import requests

from benchmarks.figures import around, machine, median, table
from benchmarks.printing import interval, parser, run, shown
from rasa_emotion.turn.keys import add_key
from rasa_emotion.turn.tickets import make_ticket

TURNS = 50
"""Of a round, for each of the two."""

WITH, WITHOUT = "emotion", "bare"
KEYS = "keys.txt"
MESSAGE = {"sender": "ada", "message": "my internet is slow since Monday", "metadata": {"page": "/bills"}}


def serve(port: int) -> None:
    """Both channels, and what the process has spent so far."""
    from sanic import Sanic, response  # noqa: PLC0415 -- only the server needs it

    from rasa_emotion.bot.channels import rest  # noqa: PLC0415
    from rasa_emotion.turn.message import Taken, Turn  # noqa: PLC0415

    class Bare(rest.EmotionRestInput):
        """The channel with nothing before it."""

        @classmethod
        def name(cls) -> str:
            return WITHOUT

    async def hand_on(turn: Turn, bot: Any, **options: Any) -> Taken:
        taken = Taken(turn.sender, turn.text, dict(turn.metadata), turn.message_id, turn.input_channel)
        await bot(taken)
        return taken

    async def bot(message: Any) -> None:
        await message.output_channel.send_text_message(message.sender_id, "Let me look into it.")

    async def spent(request: Any) -> Any:
        return response.json(time.process_time())

    app = Sanic("guards", configure_logging=False)
    guarded = rest.EmotionRestInput.from_credentials({"token_file": KEYS})
    app.blueprint(guarded.blueprint(bot), url_prefix=f"/webhooks/{WITH}")
    bare = Bare.from_credentials({})
    with patch.object(rest, "guard", lambda *args, **options: None):
        webhook = bare.blueprint(bot)
    webhook.name = WITHOUT
    patch.object(bare.intake, "take", hand_on).start()
    patch.object(bare.intake, "check_room", lambda: None).start()
    app.blueprint(webhook, url_prefix=f"/webhooks/{WITHOUT}")
    app.add_route(spent, "/spent")
    app.run("127.0.0.1", port, access_log=False, debug=False)


def measure(rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Milliseconds of the server's processor a turn, by what proves who asks."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory(prefix="rasa-emotion-guards-") as folder:
        keys = Path(folder) / KEYS
        key, signing = add_key(keys, "caller").secret, add_key(keys, "tickets").secret
        (Path(folder) / "endpoints.yml").write_text(f"rasa_emotion: {{database: 'sqlite:///{folder}/emotion.db'}}")
        command = [sys.executable, "-W", "ignore", str(Path(__file__).resolve()), "--serve", str(port)]
        environment = {**os.environ, "RASA_EMOTION_ENDPOINTS": "endpoints.yml"}
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
        try:
            client = Client(f"http://127.0.0.1:{port}")
            client.wait(server)
            ticket = make_ticket(signing, "ada", secs=3600)
            return {
                "a key": compared(client, rounds, {"token": key}),
                "a ticket": compared(client, rounds, {"token": ticket}),
            }
        finally:
            server.terminate()
            server.wait()


class Client:
    """Sends turns, one after the other."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False

    def wait(self, server: "subprocess.Popen[bytes]") -> None:
        """Until the server answers. Raises SystemExit where it ends before."""
        while True:
            try:
                self.session.get(f"{self.address}/spent", timeout=60)
                return
            except requests.ConnectionError:
                if server.poll() is not None:
                    raise SystemExit("The server did not start.") from None
                time.sleep(0.2)

    def spent_ms(self, channel: str, headers: dict[str, str]) -> float:
        """The server's processor time for a turn, over one round."""
        before = self.session.get(f"{self.address}/spent", timeout=60).json()
        for _ in range(TURNS):
            url = f"{self.address}/webhooks/{channel}/webhook"
            answer = self.session.post(url, json=MESSAGE, headers=headers, timeout=60)
            answer.raise_for_status()
            assert answer.json()[0]["recipient_id"] == "ada"
        after = self.session.get(f"{self.address}/spent", timeout=60).json()
        return float(after - before) * 1000 / TURNS


def compared(client: Client, rounds: int, headers: dict[str, str]) -> dict[str, dict[str, float]]:
    """With and without, in turns."""
    taken = []
    for number in shown("rounds")(range(rounds + 2)):
        pair = client.spent_ms(WITHOUT, headers), client.spent_ms(WITH, headers)
        if number >= 2:  # the first ones warm up
            taken.append(pair)
    rows = np.array(taken)
    return {
        "without_ms": median(rows[:, 0]),
        "with_ms": median(rows[:, 1]),
        "added_ms": median(rows[:, 1] - rows[:, 0]),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as a section of a document."""
    keys = ("without_ms", "with_ms", "added_ms")
    rows = [[name, *(interval(row[key]) for key in keys)] for name, row in found["who"].items()]
    said = (
        f"Processor time of a turn in the server. {around(found['machine'])} Medians of {found['rounds']} rounds of "
        f"{TURNS} turns each way with 95 % bootstrap intervals."
    )
    return f"{said}\n\n{table(['who asks, by', 'without, ms', 'with, ms', 'added, ms'], rows)}"


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line asks for."""
    made_on = machine(("sanic", "numpy"))
    return {"machine": made_on, "rounds": options.rounds, "who": measure(options.rounds)}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=30, help=f"of {TURNS} turns each way")
    arguments.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options, _ = arguments.parse_known_args()
    if options.serve:
        serve(options.serve)
    else:
        run(arguments, measured, markdown)


if __name__ == "__main__":
    main()

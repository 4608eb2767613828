"""A receiver of the signed webhook, as docs/helpdesks.md describes it.

python tests/handoff/fakes/webhook.py --port 8700 --chance 0.2
"""

import hashlib
import hmac
import json
import sys
import time
from pathlib import Path
from typing import ClassVar

from aiohttp import web

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.server import FakeServer, main


class FakeWebhook(FakeServer):
    """Takes packets and messages once for each key, whatever the number of tries."""

    options: ClassVar[dict] = {"type": "webhook", "secret": "a secret for the tests"}

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.by_key: dict[str, str] = {}
        self.packets: dict[str, dict] = {}
        self.messages: dict[str, list[str]] = {}
        self.closed: set[str] = set()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/", self.take)

    def state(self) -> dict:
        tickets = {ticket: packet["key"] for ticket, packet in self.packets.items()}
        return {"tickets": tickets, "messages": self.messages}

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        timestamp = request.headers.get("X-Rasa-Emotion-Timestamp", "")
        # Written out once more, not taken from the package: the fake is the other side.
        expected = hmac.new(self.options["secret"].encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
        given = request.headers.get("X-Rasa-Emotion-Signature", "")
        if not hmac.compare_digest(given, "sha256=" + expected.hexdigest()) or abs(time.time() - int(timestamp)) > 300:
            return web.json_response({"error": "signature"}, status=401)
        await self.slowly()
        content = json.loads(body)
        if content["type"] == "ping":
            return web.Response(status=204)
        key = request.headers["Idempotency-Key"]
        if content["type"] == "handoff":
            if key not in self.by_key:
                self.by_key[key] = f"T{len(self.packets) + 1}"
                self.packets[self.by_key[key]] = content["packet"]
            return web.json_response({"ticket": self.by_key[key]}, status=201)
        ticket = content["ticket"]
        if ticket not in self.packets or ticket in self.closed:
            return web.json_response({"error": "no such ticket"}, status=410 if ticket in self.closed else 404)
        if key in self.by_key:
            return web.json_response({"error": "known"}, status=409)
        self.by_key[key] = ticket
        self.messages.setdefault(ticket, []).append(content["message"]["text"])
        return web.Response(status=204)


if __name__ == "__main__":
    main(FakeWebhook)

"""A receiver of the signed webhook, as docs/helpdesks.md describes it.

python tests/handoff/fakes/webhook.py --port 8700 --chance 0.2
"""

import hashlib
import hmac
import json
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import web

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.server import TwoWayServer, main


def strict(body: bytes) -> Any:
    """JSON as most languages read it: without NaN, and without half of a surrogate pair. Raises HTTPBadRequest."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        content = json.loads(body, parse_constant=refuse)
        json.dumps(content, ensure_ascii=False).encode()
    except ValueError as error:
        raise web.HTTPBadRequest from error
    return content


class FakeWebhook(TwoWayServer):
    """Takes packets and messages once for each key, whatever the number of tries."""

    options: ClassVar[dict] = {"type": "webhook", "secret": "a secret for the tests"}

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.by_key: dict[str, str] = {}
        self.packets: dict[str, dict] = {}
        self.messages: dict[str, list[str]] = {}
        self.notes: dict[str, list[str]] = {}
        self.closed: set[str] = set()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/", self.take)

    def state(self) -> dict:
        tickets = {ticket: packet["key"] for ticket, packet in self.packets.items()}
        return {"tickets": tickets, "messages": self.messages}

    def notes_of(self, ticket: str) -> list[str]:
        """What is not said by the caller."""
        return self.notes[ticket]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        timestamp = request.headers.get("X-Rasa-Emotion-Timestamp", "")
        given = request.headers.get("X-Rasa-Emotion-Signature", "")
        expected = signature(self.options["secret"], timestamp, body)
        if not hmac.compare_digest(given, expected) or abs(time.time() - int(timestamp)) > 300:
            return web.json_response({"error": "signature"}, status=401)
        await self.slowly()
        content = strict(body)
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
        kept = self.notes if content["message"]["note"] else self.messages
        kept.setdefault(ticket, []).append(content["message"]["text"])
        return web.Response(status=204)

    def sign(self, body: bytes, at: float | None = None) -> dict[str, str]:
        return signed_headers(self.options["secret"], body, at)

    def words(self, ticket: str, text: str, **changes) -> dict:
        """A request with words for the caller."""
        return {"ticket": ticket, "id": "w-1", "text": text, **changes}

    def hand_back(self, ticket: str, outcome: str, **changes) -> dict:
        """A request that hands back."""
        return {"ticket": ticket, "id": "w-2", "hand_back": True, "outcome": outcome, **changes}


def signature(secret: str, timestamp: str, body: bytes) -> str:
    # Written out once more, not taken from the package: the fake is the other side.
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def signed_headers(secret: str, body: bytes, at: float | None = None) -> dict[str, str]:
    """The headers of a signed request."""
    timestamp = str(int(time.time() if at is None else at))
    return {"X-Rasa-Emotion-Timestamp": timestamp, "X-Rasa-Emotion-Signature": signature(secret, timestamp, body)}


if __name__ == "__main__":
    main(FakeWebhook)

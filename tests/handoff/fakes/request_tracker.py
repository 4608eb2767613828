"""Request Tracker's REST 2, as far as its reference describes what handing over needs.

https://docs.bestpractical.com/rt/latest/RT/REST2.html. A wrong token is 401, a queue or right that is missing 403, a
ticket that does not exist 404; there is no idempotency key, but TicketSQL. test_request_tracker.py asks a real one.
"""

import re
import sys
from pathlib import Path
from typing import ClassVar

from aiohttp import web

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.server import Handler, TwoWayServer, main
from fakes.webhook import signed_headers


class FakeRequestTracker(TwoWayServer):
    """One queue."""

    options: ClassVar[dict] = {
        "type": "request_tracker",
        "token": "1-14-token-of-the-tests",
        "queue": "Callers & co",
        "secret": "a secret for the tests",
    }

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.tickets: dict[str, dict] = {}
        self.said: dict[str, list[str]] = {}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/REST/2.0/queue/{name}", self.guarded(self.queue))
        router.add_get("/REST/2.0/tickets", self.guarded(self.find))
        router.add_post("/REST/2.0/ticket", self.guarded(self.make))
        router.add_get("/REST/2.0/ticket/{id}", self.guarded(self.ticket))
        router.add_post("/REST/2.0/ticket/{id}/correspond", self.guarded(self.correspond))

    def state(self) -> dict:
        # The last line of the text names the packet.
        keys = {number: row["Content"].rpartition("Reference: ")[2] for number, row in self.tickets.items()}
        return {"tickets": keys, "messages": self.said}

    def guarded(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"token {self.options['token']}":
                return web.json_response({"message": "Unauthorized"}, status=401)
            await self.slowly()
            return await handler(request)

        return answer

    async def queue(self, request: web.Request) -> web.Response:
        if request.match_info["name"] != self.options["queue"]:
            return web.json_response({"message": "Forbidden"}, status=403)
        links = [{"ref": "self", "type": "queue"}, {"ref": "create", "type": "ticket"}]
        return web.json_response({"id": 1, "Name": self.options["queue"], "_hyperlinks": links})

    async def find(self, request: web.Request) -> web.Response:
        wanted = re.fullmatch(r"Subject LIKE '([a-z0-9-]+)'", request.query["query"])
        assert wanted, "TicketSQL that this does not know"
        found = [number for number, row in self.tickets.items() if wanted[1] in row["Subject"]]
        items = [{"type": "ticket", "id": number, "_url": f"{self.url}/REST/2.0/ticket/{number}"} for number in found]
        return web.json_response({"count": len(items), "total": len(items), "page": 1, "per_page": 20, "items": items})

    async def make(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["Queue"] != self.options["queue"]:
            return web.json_response({"message": "No permission to create tickets in the queue"}, status=403)
        number = str(len(self.tickets) + 1)
        self.tickets[number] = body
        self.said[number] = []
        return web.json_response({"type": "ticket", "id": number, "_url": ""}, status=201)

    async def ticket(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        if number not in self.tickets:
            return web.json_response({"message": "Not Found"}, status=404)
        return web.json_response({"id": int(number), "Status": "open", **self.tickets[number]})

    async def correspond(self, request: web.Request) -> web.Response:
        number, body = request.match_info["id"], await request.json()
        if number not in self.tickets:
            return web.json_response({"message": "Permission Denied"}, status=400)
        if not body["Content"] or body["ContentType"] != "text/plain":
            return web.json_response({"message": "ContentType is a required field"}, status=400)
        self.said[number].append(body["Content"])
        return web.json_response(["Correspondence added"], status=201)

    def sign(self, body: bytes, at: float | None = None) -> dict[str, str]:
        return signed_headers(self.options["secret"], body, at)

    def words(self, ticket: str, text: str, **changes) -> dict:
        """What the scrip posts of correspondence."""
        return {"ticket": ticket, "id": "17", "text": text, **changes}

    def hand_back(self, ticket: str, outcome: str, **changes) -> dict:
        """What the scrip posts of a resolved ticket."""
        return {"ticket": ticket, "id": "18", "hand_back": True, "outcome": outcome, **changes}


if __name__ == "__main__":
    main(FakeRequestTracker)

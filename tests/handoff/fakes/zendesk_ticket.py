"""Zendesk Support's tickets, as far as their reference describes what handing over needs.

https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency: a key gets its first answer again; with
another body it is 400. Basic authentication with "EMAIL/token" (else 401). A field that does not fit is 422.
"""

import sys
from pathlib import Path
from typing import ClassVar

from aiohttp import BasicAuth, web

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.server import FakeServer, Handler, main


class FakeZendeskTicket(FakeServer):
    """An account's tickets."""

    options: ClassVar[dict] = {
        "type": "zendesk_ticket",
        "email": "bot@example.com",
        "api_token": "zendesk-token-of-the-tests",
        "group_id": 12,
    }

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.tickets: list[dict] = []
        self.answers: dict[str, tuple[bytes, dict]] = {}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/v2/users/me.json", self.guarded(self.me))
        router.add_get("/api/v2/tickets.json", self.guarded(self.find))
        router.add_post("/api/v2/tickets.json", self.guarded(self.make))

    def state(self) -> dict:
        return {"tickets": {str(row["id"]): row["external_id"] for row in self.tickets}, "messages": {}}

    def forget_keys(self) -> None:
        """What Zendesk does after two hours."""
        self.answers.clear()

    def guarded(self, handler: Handler) -> Handler:
        expected = BasicAuth(f"{self.options['email']}/token", self.options["api_token"]).encode()

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != expected:
                return web.json_response({"error": "Couldn't authenticate you"}, status=401)
            await self.slowly()
            return await handler(request)

        return answer

    async def me(self, _: web.Request) -> web.Response:
        return web.json_response({"user": {"id": 5, "email": self.options["email"]}})

    async def find(self, request: web.Request) -> web.Response:
        rows = [row for row in self.tickets if row["external_id"] == request.query["external_id"]]
        return web.json_response({"tickets": rows, "count": len(rows)})

    async def make(self, request: web.Request) -> web.Response:
        body, key = await request.read(), request.headers.get("Idempotency-Key")
        if key in self.answers:
            first, answer = self.answers[key]
            if first != body:
                said = "Request parameters don't match the given idempotency key"
                return web.json_response({"error": "IdempotentRequestError", "description": said}, status=400)
            return web.json_response(answer, status=201, headers={"x-idempotency-lookup": "hit"})
        ticket = (await request.json())["ticket"]
        text = ticket["comment"]["html_body"]
        if not text or len(text.encode()) > 65_535 or ticket["priority"] not in ("low", "normal", "high", "urgent"):
            return web.json_response({"error": "RecordInvalid", "description": "Record validation errors"}, status=422)
        row = {"id": len(self.tickets) + 35_436, **ticket}
        self.tickets.append(row)
        answer = {"ticket": {"id": row["id"], "external_id": row["external_id"]}}
        if key:
            self.answers[key] = (body, answer)
        return web.json_response(answer, status=201, headers={"x-idempotency-lookup": "miss"})


if __name__ == "__main__":
    main(FakeZendeskTicket)

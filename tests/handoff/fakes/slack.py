"""Slack's chat.postMessage and incoming webhooks, as https://api.slack.com describes them.

Errors of the Web API come with the status 200; those of a webhook are texts. Both take the same message twice.
"""

import sys
from pathlib import Path
from typing import ClassVar

from aiohttp import web

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.server import FakeServer, main

WEBHOOK = "/services/T0/B0/hook-of-the-tests"


class FakeSlack(FakeServer):
    """One channel."""

    options: ClassVar[dict] = {"type": "slack", "token": "xoxb-token-of-the-tests", "channel": "C024BE91L"}

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.posted: list[str] = []
        self.error = ""  # what the next request says instead

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/auth.test", self.auth)
        router.add_post("/chat.postMessage", self.post)
        router.add_post(WEBHOOK, self.hook)

    def state(self) -> dict:
        tickets = {self.ticket(number): said.rpartition("Reference: ")[2] for number, said in enumerate(self.posted)}
        return {"tickets": tickets, "messages": {}}

    def ticket(self, number: int) -> str:
        return f"{self.options['channel']}:1700000000.{number:06}"

    def refusal(self, request: web.Request) -> str:
        error, self.error = self.error, ""
        wrong = request.headers.get("Authorization") != f"Bearer {FakeSlack.options['token']}"
        return error or ("invalid_auth" if wrong else "")

    async def auth(self, request: web.Request) -> web.Response:
        refusal = self.refusal(request)
        return web.json_response({"ok": False, "error": refusal} if refusal else {"ok": True, "team": "T0"})

    async def post(self, request: web.Request) -> web.Response:
        refusal, body = self.refusal(request), await request.json()
        if not refusal and body["channel"] != self.options["channel"]:
            refusal = "channel_not_found"
        if refusal:
            return web.json_response({"ok": False, "error": refusal})
        await self.slowly()
        self.posted.append(body["text"])
        channel, _, at = self.ticket(len(self.posted) - 1).partition(":")
        return web.json_response({"ok": True, "channel": channel, "ts": at})

    async def hook(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not body.get("text"):
            return web.Response(text="no_text", status=400)
        await self.slowly()
        self.posted.append(body["text"])
        return web.Response(text="ok")


class FakeSlackWebhook(FakeSlack):
    """The same channel behind an incoming webhook, which does not tell where a message went."""

    options: ClassVar[dict] = {"type": "slack"}
    url_option = "webhook_url"

    @property
    def settings(self) -> dict:
        return {**self.options, "webhook_url": self.url + WEBHOOK}

    def state(self) -> dict:
        keys = [said.rpartition("Reference: ")[2] for said in self.posted]
        return {"tickets": {key: key for key in keys}, "messages": {}}


if __name__ == "__main__":
    main(FakeSlack)

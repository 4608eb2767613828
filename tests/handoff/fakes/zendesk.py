"""Sunshine Conversations' interface, as far as its reference describes what handing over needs.

https://developer.zendesk.com/api-reference/conversations/. Basic authentication with a key's id and secret (else 401);
a user's external id is unique (else 409); texts beyond 4,096 characters are refused here, which some channels do.
"""

import json
import sys
from pathlib import Path
from typing import ClassVar

from aiohttp import BasicAuth, web

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.server import Handler, TwoWayServer, main

ROOT = "/v2/apps/5d8cff3cd55b040010928b5b"


class FakeZendesk(TwoWayServer):
    """One app whose switchboard has people and a bot."""

    options: ClassVar[dict] = {
        "type": "zendesk",
        "app_id": ROOT.rpartition("/")[2],
        "key_id": "app_key",
        "key_secret": "zendesk-secret-of-the-tests",
        "bot": "rasa",
        "webhook_secret": "zendesk-webhook-secret",
    }

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.users: set[str] = set()
        self.conversations: dict[str, dict] = {}
        self.said: dict[str, list[dict]] = {}
        self.control: dict[str, dict] = {}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get(ROOT, self.guarded(self.app))
        router.add_post(f"{ROOT}/users", self.guarded(self.make_user))
        router.add_get(f"{ROOT}/conversations", self.guarded(self.list_conversations))
        router.add_post(f"{ROOT}/conversations", self.guarded(self.make_conversation))
        router.add_get(f"{ROOT}/conversations/{{id}}", self.guarded(self.conversation))
        router.add_get(f"{ROOT}/conversations/{{id}}/messages", self.guarded(self.list_messages))
        router.add_post(f"{ROOT}/conversations/{{id}}/messages", self.guarded(self.make_message))
        router.add_post(f"{ROOT}/conversations/{{id}}/passControl", self.guarded(self.pass_control))

    def state(self) -> dict:
        tickets = {number: control["metadata"]["rasa_emotion"] for number, control in self.control.items()}
        messages = {
            number: [said["content"]["text"] for said in rows if said["author"]["type"] == "user"]
            for number, rows in self.said.items()
        }
        return {"tickets": tickets, "messages": messages}

    def notes_of(self, ticket: str) -> list[str]:
        """What is not said by the caller."""
        return [said["content"]["text"] for said in self.said[ticket] if said["author"]["type"] == "business"]

    def guarded(self, handler: Handler) -> Handler:
        expected = BasicAuth(self.options["key_id"], self.options["key_secret"]).encode()

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != expected:
                return refused(401, "unauthorized")
            if request.match_info.get("id", next(iter(self.conversations), "")) not in {*self.conversations, ""}:
                return refused(404, "conversation_not_found")
            await self.slowly()
            return await handler(request)

        return answer

    async def app(self, _: web.Request) -> web.Response:
        return web.json_response({"app": {"id": self.options["app_id"], "displayName": "Bot"}})

    async def make_user(self, request: web.Request) -> web.Response:
        user = (await request.json())["externalId"]
        if user in self.users:
            return refused(409, "user_conflict")
        self.users.add(user)
        return web.json_response({"user": {"id": "u1", "externalId": user}}, status=201)

    async def list_conversations(self, request: web.Request) -> web.Response:
        user = request.query["filter[userExternalId]"]
        if user not in self.users:
            return refused(404, "user_not_found")
        rows = [row for row in self.conversations.values() if row["participants"][0]["userExternalId"] == user]
        return web.json_response({"conversations": rows, "meta": {"hasMore": False}})

    async def make_conversation(self, request: web.Request) -> web.Response:
        body = await request.json()
        (participant,) = body["participants"]
        if participant["userExternalId"] not in self.users:
            return refused(404, "user_not_found")
        if len(json.dumps(body["metadata"])) > 4096:
            return refused(400, "bad_request")
        number = f"{len(self.conversations) + 1:024x}"
        self.conversations[number] = {"id": number, **body}
        self.said[number] = []
        return web.json_response({"conversation": self.conversations[number]}, status=201)

    async def conversation(self, request: web.Request) -> web.Response:
        return web.json_response({"conversation": self.conversations[request.match_info["id"]]})

    async def list_messages(self, request: web.Request) -> web.Response:
        return web.json_response({"messages": self.said[request.match_info["id"]][-100:], "meta": {"hasMore": False}})

    async def make_message(self, request: web.Request) -> web.Response:
        body = await request.json()
        author, content = body["author"], body["content"]
        if author["type"] == "user" and author.get("userExternalId") not in self.users:
            return refused(404, "user_not_found")
        if content["type"] != "text" or len(content["text"]) > 4096:
            return refused(400, "bad_request")
        self.said[request.match_info["id"]].append({"id": f"m{sum(map(len, self.said.values()))}", **body})
        return web.json_response({"messages": [body]}, status=201)

    async def pass_control(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["switchboardIntegration"] not in ("zd-agentWorkspace", self.options["bot"]):
            return refused(404, "switchboard_integration_not_found")
        if len(json.dumps(body["metadata"], ensure_ascii=False).encode()) > 4096:
            return refused(400, "bad_request")
        self.control[request.match_info["id"]] = body
        return web.json_response({})

    def sign(self, body: bytes, at: float | None = None) -> dict[str, str]:
        return {"X-API-Key": self.options["webhook_secret"]}

    def signed(self, event: object, at: float | None = None) -> tuple[dict[str, str], bytes]:
        app, webhook = {"id": self.options["app_id"]}, {"id": "w1", "version": "v2"}
        return super().signed({"app": app, "webhook": webhook, "events": [event]}, at)

    def words(self, ticket: str, text: str, **message) -> dict:
        """The event of an agent's message."""
        said = {
            "id": "62c5",
            "received": "2026-01-01T00:00:00.000Z",
            "author": {"type": "business", "displayName": "Ada"},
            "content": {"type": "text", "text": text},
            "source": {"type": "zd:agentWorkspace"},
        }
        payload = {"conversation": self.truncated(ticket), "message": {**said, **message}}
        return {"id": "e1", "type": "conversation:message", "createdAt": "2026-01-01T00:00:00.000Z", "payload": payload}

    def hand_back(self, ticket: str, outcome: str, to: str = "rasa") -> dict:
        """The event of control that passes to the bot."""
        conversation = {**self.truncated(ticket), "activeSwitchboardIntegration": {"id": "s1", "name": to}}
        payload = {"conversation": conversation, "metadata": {"outcome": outcome}}
        event = {"id": "e2", "type": "switchboard:passControl", "createdAt": "2026-01-01T00:00:00.000Z"}
        return {**event, "payload": payload}

    def truncated(self, ticket: str) -> dict:
        """A conversation as events show it."""
        metadata = self.conversations.get(ticket, {}).get("metadata", {})
        return {"id": ticket, "type": "personal", "metadata": metadata}


def refused(status: int, code: str) -> web.Response:
    return web.json_response({"errors": [{"code": code, "title": code}]}, status=status)


if __name__ == "__main__":
    main(FakeZendesk)

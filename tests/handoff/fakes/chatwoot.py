"""Chatwoot's Application API, as far as its reference describes what handing over needs.

https://developers.chatwoot.com/api-reference. Numbers of conversations count up within the account; an identifier of
a contact is unique in the account (else 422); what does not exist is 404; a wrong token is 401.
"""

import hashlib
import hmac
import sys
import time
from pathlib import Path
from typing import ClassVar

from aiohttp import web

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.server import Handler, TwoWayServer, main

TYPES = {"incoming": 0, "outgoing": 1}
MAX_CONTENT = 150_000


class FakeChatwoot(TwoWayServer):
    """One account with one API inbox."""

    options: ClassVar[dict] = {
        "type": "chatwoot",
        "account_id": 3,
        "inbox_id": 7,
        "api_access_token": "chatwoot-token-of-the-tests",
        "webhook_secret": "chatwoot-webhook-secret",
    }

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.contacts: list[dict] = []
        self.conversations: list[dict] = []
        self.said: dict[int, list[dict]] = {}
        self.priorities: dict[int, str] = {}
        self.unseen_looks = 0  # how often a look for a contact comes before somebody else's creation of it

    def add_routes(self, router: web.UrlDispatcher) -> None:
        root = f"/api/v1/accounts/{self.options['account_id']}"
        router.add_get(f"{root}/inboxes/{{id}}", self.guarded(self.inbox))
        router.add_post(f"{root}/contacts/filter", self.guarded(self.filter_contacts))
        router.add_post(f"{root}/contacts", self.guarded(self.make_contact))
        router.add_get(f"{root}/contacts/{{id}}/conversations", self.guarded(self.contact_conversations))
        router.add_post(f"{root}/conversations", self.guarded(self.make_conversation))
        router.add_post(f"{root}/conversations/{{id}}/toggle_priority", self.guarded(self.toggle_priority))
        router.add_get(f"{root}/conversations/{{id}}/messages", self.guarded(self.messages_of))
        router.add_post(f"{root}/conversations/{{id}}/messages", self.guarded(self.make_message))

    def state(self) -> dict:
        tickets = {
            str(row["id"]): row["custom_attributes"].get("rasa_emotion")
            for row in self.conversations
            for note in self.said[row["id"]]
            if note["private"]
        }
        messages = {
            str(number): [said["content"] for said in rows if said["message_type"] == 0]
            for number, rows in self.said.items()
        }
        return {"tickets": tickets, "messages": messages}

    def notes_of(self, ticket: str) -> list[str]:
        """What agents alone see."""
        return [said["content"] for said in self.said[int(ticket)] if said["private"] and said["message_type"] == 1]

    def guarded(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            if request.headers.get("api_access_token") != self.options["api_access_token"]:
                return web.json_response({"error": "Invalid Access Token"}, status=401)
            await self.slowly()
            return await handler(request)

        return answer

    async def inbox(self, request: web.Request) -> web.Response:
        if int(request.match_info["id"]) != self.options["inbox_id"]:
            return missing()
        return web.json_response({"id": self.options["inbox_id"], "channel_type": "Channel::Api"})

    async def filter_contacts(self, request: web.Request) -> web.Response:
        (wanted,) = (await request.json())["payload"]
        assert (wanted["attribute_key"], wanted["filter_operator"]) == ("identifier", "equal_to")
        found = [row for row in self.contacts if row["identifier"].lower() == wanted["values"][0].lower()]
        if self.unseen_looks:
            self.unseen_looks -= 1
            found = []
        return web.json_response({"meta": {"count": len(found)}, "payload": found[:15]})

    async def make_contact(self, request: web.Request) -> web.Response:
        body = await request.json()
        if any(row["identifier"] == body["identifier"] for row in self.contacts):
            said = {"message": "Identifier has already been taken", "attributes": ["identifier"]}
            return web.json_response(said, status=422)
        contact = {"id": len(self.contacts) + 101, "name": body["name"], "identifier": body["identifier"]}
        self.contacts.append(contact)
        inbox = {"source_id": body.get("source_id"), "inbox": {"id": body["inbox_id"]}}
        return web.json_response({"payload": {"contact": contact, "contact_inbox": inbox}})

    async def contact_conversations(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        if not any(row["id"] == number for row in self.contacts):
            return missing()
        rows = [row for row in reversed(self.conversations) if row["contact_id"] == number]
        return web.json_response({"payload": rows[:20]})

    async def make_conversation(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["inbox_id"] != self.options["inbox_id"] or not any(
            r["id"] == body["contact_id"] for r in self.contacts
        ):
            return missing()
        row = {"id": len(self.conversations) + 1, "account_id": self.options["account_id"], **body}
        self.conversations.append(row)
        self.said[row["id"]] = []
        return web.json_response(row)

    async def toggle_priority(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        if number not in self.said:
            return missing()
        self.priorities[number] = (await request.json())["priority"]
        return web.Response()

    async def messages_of(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        return web.json_response({"meta": {}, "payload": self.said[number][-20:]}) if number in self.said else missing()

    async def make_message(self, request: web.Request) -> web.Response:
        number, body = int(request.match_info["id"]), await request.json()
        if number not in self.said:
            return missing()
        if len(body["content"]) > MAX_CONTENT:
            return web.json_response({"message": "Content is too long", "attributes": ["content"]}, status=422)
        said = {"id": 1000 + sum(map(len, self.said.values())), "conversation_id": number, **body}
        said["message_type"] = TYPES[body["message_type"]]
        self.said[number].append(said)
        return web.json_response(said)

    def sign(self, body: bytes, at: float | None = None) -> dict[str, str]:
        timestamp = str(int(time.time() if at is None else at))
        key = self.options["webhook_secret"].encode()
        digest = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"X-Chatwoot-Timestamp": timestamp, "X-Chatwoot-Signature": f"sha256={digest}"}

    def words(self, ticket: str, text: str, **changes) -> dict:
        """The event of an agent's message."""
        event = {
            "event": "message_created",
            "id": 4711,
            "content": text,
            "message_type": "outgoing",
            "content_type": "text",
            "private": False,
            "sender": {"id": 1, "name": "Ada", "type": "user"},
            "inbox": {"id": self.options["inbox_id"], "name": "bot"},
            "conversation": {"id": int(ticket), "status": "open", "custom_attributes": self.attributes(ticket)},
            "account": {"id": self.options["account_id"]},
        }
        return {**event, **changes}

    def attributes(self, ticket: str) -> dict:
        """The custom attributes that were given to a conversation; they come with every event of it."""
        return next((row["custom_attributes"] for row in self.conversations if str(row["id"]) == ticket), {})

    def hand_back(self, ticket: str, outcome: str, **changes) -> dict:
        """The event of a resolved conversation."""
        event = {
            "event": "conversation_status_changed",
            "id": int(ticket),
            "inbox_id": self.options["inbox_id"],
            "status": "resolved",
            "custom_attributes": {**self.attributes(ticket), "outcome": outcome},
            "updated_at": 1_700_000_300.5,
        }
        return {**event, **changes}


def missing() -> web.Response:
    return web.json_response({"error": "Resource could not be found"}, status=404)


if __name__ == "__main__":
    main(FakeChatwoot)

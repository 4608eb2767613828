"""Zendesk messaging: Sunshine Conversations and its switchboard (https://developer.zendesk.com/api-reference/conversations/).

Two kinds of callers: those of any channel of Rasa, for whom a conversation is opened that only people see, and those
who are in a conversation of Sunshine already, whose bot is an integration of the switchboard: then only the control
passes. Passing control to a named integration is idempotent; conversations and messages are found again by metadata.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from rasa_emotion.handoff.helpdesk import BadRequest, FromHuman, Helpdesk, Message, PermanentFailure
from rasa_emotion.handoff.helpdesks.zendesk_words import by_machine, said, undelivered
from rasa_emotion.handoff.http import COMMON, Answer, Client, check_timeout, check_url
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.signing import header, same
from rasa_emotion.handoff.tables import ALERT
from rasa_emotion.handoff.text import plain, shorten
from rasa_emotion.settings import check_names, check_text, checked

OWNER = "The helpdesk 'zendesk'"
KEY = "rasa_emotion"
"""The metadata that holds a packet's key, or a message's id."""

EXISTS = 409
NEW, SENDER = "new", "sender"


class Zendesk(Helpdesk):
    """Passes control of a conversation to people, and takes it back when they pass or release it."""

    name = "zendesk"
    two_way = True
    # The reference names no limit of a message's text; channels of Sunshine begin to refuse at 4,096 characters.
    max_bytes = 4_000

    DEFAULTS: Mapping[str, Any] = {
        **COMMON,
        # Sunshine's address; in a Zendesk account, https://SUBDOMAIN.zendesk.com/sc.
        "url": "https://api.smooch.io",
        # The id of the app in Sunshine.
        "app_id": None,
        # A key of the Conversations API: its id and its secret.
        "key_id": None,
        "key_secret": None,
        # The switchboard integration of the people.
        "agents": "zd-agentWorkspace",
        # The switchboard integration of the bot: when control passes to it, the bot goes on.
        "bot": None,
        # "new" opens a conversation for the caller; with "sender", Rasa's sender is the id of one in Sunshine.
        "conversation": NEW,
        # The secret of the integration's webhook; without it, nothing comes back from Zendesk.
        "webhook_secret": None,
    }

    def __init__(self, options: Mapping[str, Any]) -> None:
        settings = checked(OWNER, options, self.DEFAULTS)
        for key in ("app_id", "key_id", "key_secret", "agents"):
            check_text(OWNER, key, settings[key])
        for key in ("bot", "webhook_secret"):
            check_text(OWNER, key, settings[key], optional=True)
        check_names(OWNER, "conversation", [settings["conversation"]], (NEW, SENDER))
        self._agents: str = settings["agents"]
        self._bot: str | None = settings["bot"]
        self._new = settings["conversation"] == NEW
        self._secret: str = settings["webhook_secret"] or ""
        self._client = Client(
            self.name,
            f"{check_url(OWNER, 'url', settings['url'])}/v2/apps/{quote(settings['app_id'], safe='')}",
            auth=(settings["key_id"], settings["key_secret"]),
            timeout_secs=check_timeout(OWNER, settings),
            key="'key_id' and 'key_secret'",
            place="'url', 'app_id' or 'agents'",
        )

    async def check(self) -> None:
        if (await self._client.request("GET")).find("app") is None:
            raise self._client.unexpected("the app")

    async def deliver(self, packet: Packet) -> str:
        if packet.kind == ALERT and not self._new:
            raise PermanentFailure(
                f"{OWNER} cannot show an alert while the bot goes on in the conversation; set 'conversation' to new."
            )
        conversation = packet.sender
        if self._new:
            await self._user(packet.sender)
            conversation = await self._conversation(packet)
            text = {"type": "text", "text": plain(packet, self.max_bytes)}
            await self._say(conversation, {"author": {"type": "business"}, "content": text}, packet.key)
        control = {"switchboardIntegration": self._agents, "metadata": _metadata(packet)}
        await self._client.request("POST", f"{_path(conversation)}/passControl", content=control)
        return conversation

    async def send(self, ticket: str, message: Message) -> None:
        if not self._new:
            return  # the caller said it in this conversation
        shown = await self._client.request("GET", _path(ticket), gone=(404,))
        sender = shown.find("conversation", "metadata", f"{KEY}_sender")
        if not isinstance(sender, str):
            raise self._client.unexpected("a conversation of ours")
        text = shorten(message.text, self.max_bytes)
        author = {"type": "business"} if message.note else {"type": "user", "userExternalId": sender}
        words = {"author": author, "content": {"type": "text", "text": text}}
        await self._say(ticket, words, message.id, gone=(404,))

    def receive(self, headers: Mapping[str, str], body: bytes) -> Sequence[FromHuman]:
        if not self._secret or not same(header(headers, "X-API-Key"), self._secret):
            raise PermanentFailure(
                f"{OWNER} refuses a request whose X-API-Key is not 'webhook_secret'; copy it from the webhook."
            )
        try:
            events = Answer(200, json.loads(body)).find("events")
        except (ValueError, RecursionError) as error:
            raise BadRequest(f"{OWNER} got a request that is not JSON.") from error
        if not isinstance(events, list):
            raise BadRequest(f"{OWNER} got a request without 'events'; its webhook must be of version v2.")
        return [one for event in events for one in self._said(_answer(event))]

    async def close(self) -> None:
        await self._client.close()

    async def _user(self, sender: str) -> None:
        await self._client.request("POST", "/users", content={"externalId": sender}, known=(EXISTS,))

    async def _conversation(self, packet: Packet) -> str:
        query = {"filter[userExternalId]": packet.sender, "page[size]": "100"}
        listed = await self._client.request("GET", "/conversations", query=query)
        for known in map(_answer, listed.rows("conversations")):
            if known.find("metadata", KEY) == packet.key:
                return str(known.find("id"))
        content = {
            "type": "personal",
            # The caller is elsewhere and must not be told of it.
            "participants": [{"userExternalId": packet.sender, "subscribeSDKClient": False}],
            "metadata": {KEY: packet.key, f"{KEY}_sender": packet.sender},
        }
        made = (await self._client.request("POST", "/conversations", content=content)).find("conversation", "id")
        if not isinstance(made, str):
            raise self._client.unexpected("the id of the conversation")
        return made

    async def _say(self, conversation: str, said: Mapping[str, Any], origin: str, gone: Sequence[int] = ()) -> None:
        path = f"{_path(conversation)}/messages"
        listed = await self._client.request("GET", path, gone=gone)
        if any(_answer(known).find("metadata", KEY) == origin for known in listed.rows("messages")):
            return
        await self._client.request("POST", path, content={**said, "metadata": {KEY: origin}}, gone=gone)

    def _said(self, event: Answer) -> list[FromHuman]:
        ticket, number = event.find("payload", "conversation", "id"), event.find("id")
        if not isinstance(ticket, str) or not isinstance(number, str):
            return []
        key = event.find("payload", "conversation", "metadata", KEY)
        origin: dict[str, Any] = {"key": key if isinstance(key, str) else "", "at": _moment(event.find("createdAt"))}
        if event.find("type") == "conversation:message":
            return self._words(event, ticket, origin)
        place = ("payload", "conversation", "activeSwitchboardIntegration")
        active = [event.find(*place, key) for key in ("name", "id")]
        passed = event.find("type") == "switchboard:passControl" and self._bot is not None and self._bot in active
        if not passed and event.find("type") != "switchboard:releaseControl":
            return []
        outcome = event.find("payload", "metadata", "outcome") or event.find("payload", "reason") or ""
        return [FromHuman(ticket, number, hand_back=True, outcome=str(outcome), **origin)]

    def _words(self, event: Answer, ticket: str, origin: Mapping[str, Any]) -> list[FromHuman]:
        business = event.find("payload", "message", "author", "type") == "business"
        ours = event.find("payload", "message", "metadata", KEY) is not None
        # In a conversation of Sunshine, the caller has read it already.
        if not business or ours or not self._new:
            return []
        number, message = event.find("payload", "message", "id"), _answer(event.find("payload", "message"))
        if not isinstance(number, str):
            return []
        words = FromHuman(
            ticket,
            number,
            said(message),
            spoken=said(message, spoken=True),
            machine=by_machine(message),
            undelivered=undelivered(message),
            **origin,
        )
        return [words] if words.text or words.undelivered else []


def _answer(value: Any) -> Answer:
    return Answer(200, value)


def _moment(value: Any) -> float | None:
    """Seconds since 1970 of a time as Sunshine writes it, such as "2026-01-01T00:00:00.000Z"."""
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    except (AttributeError, ValueError, OverflowError):
        return None


def _path(conversation: str) -> str:
    return f"/conversations/{quote(conversation, safe='')}"


def _metadata(packet: Packet) -> dict[str, str]:
    """What fits into the 4 kB that Sunshine takes beside a change of control."""
    said = {"reason": packet.reason, "summary": packet.summary}
    rest = {"urgency": packet.urgency, "mood": packet.mood, "rule": packet.rule, KEY: packet.key}
    return {**{key: shorten(text, 1000) for key, text in said.items()}, **{k: v[:200] for k, v in rest.items()}}

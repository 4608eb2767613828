"""Chatwoot, with an inbox of the type API (https://developers.chatwoot.com/api-reference).

A caller is a contact by the identifier of Rasa's sender; each packet is a conversation of its own, found again by a
custom attribute, with the packet as a private note. Messages are found again by their `source_id`; versions that do not
keep it may show a message twice where the connection broke at the wrong moment.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rasa_emotion.handoff.helpdesk import BadRequest, FromHuman, Helpdesk, Message, PermanentFailure
from rasa_emotion.handoff.helpdesks.chatwoot_words import by_machine, for_caller, said, undelivered
from rasa_emotion.handoff.http import COMMON, Answer, Client, check_id, check_timeout, check_url
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.signing import TOLERANCE_SECS, genuine, header
from rasa_emotion.handoff.text import markdown, shorten
from rasa_emotion.settings import check_number, check_text, checked

OWNER = "The helpdesk 'chatwoot'"
TIMESTAMP, SIGNATURE = "X-Chatwoot-Timestamp", "X-Chatwoot-Signature"
KEY = "rasa_emotion"
"""The custom attribute of a conversation that holds the packet's key."""

TAKEN = 422
PRIORITIES = {"high": "high", "urgent": "urgent"}


class Chatwoot(Helpdesk):
    """One conversation in one inbox for each packet; the caller's words come in as the contact's."""

    name = "chatwoot"
    two_way = True
    # Chatwoot takes 150,000 characters in a message; Markdown needs some of them for escapes.
    max_bytes = 75_000

    DEFAULTS: Mapping[str, Any] = {
        **COMMON,
        # Where Chatwoot is, such as https://app.chatwoot.com.
        "url": None,
        # The number in the address of every page: /app/accounts/1/...
        "account_id": None,
        # The number of the inbox, of the type API.
        "inbox_id": None,
        # The access token of an agent or administrator who is in that inbox.
        "api_access_token": None,
        # The secret of the webhook; without it, nothing comes back from Chatwoot.
        "webhook_secret": None,
        # How far the time of a request to us may be from ours, in seconds.
        "tolerance_secs": TOLERANCE_SECS,
        # The custom attribute of a conversation in which people leave the outcome for the bot.
        "outcome_attribute": "outcome",
    }

    def __init__(self, options: Mapping[str, Any]) -> None:
        settings = checked(OWNER, options, self.DEFAULTS)
        account, self._inbox = (check_id(OWNER, key, settings[key]) for key in ("account_id", "inbox_id"))
        check_number(OWNER, "tolerance_secs", settings["tolerance_secs"], above=0)
        for key in ("api_access_token", "outcome_attribute"):
            check_text(OWNER, key, settings[key])
        check_text(OWNER, "webhook_secret", settings["webhook_secret"], optional=True)
        self._secret: str = settings["webhook_secret"] or ""
        self._tolerance = float(settings["tolerance_secs"])
        self._outcome: str = settings["outcome_attribute"]
        self._client = Client(
            self.name,
            f"{check_url(OWNER, 'url', settings['url'])}/api/v1/accounts/{account}",
            headers={"api_access_token": settings["api_access_token"]},
            timeout_secs=check_timeout(OWNER, settings),
            key="'api_access_token'",
            place="'url', 'account_id' or 'inbox_id'",
        )

    async def check(self) -> None:
        inbox = await self._client.request("GET", f"/inboxes/{self._inbox}")
        if inbox.find("channel_type") != "Channel::Api":
            raise PermanentFailure(
                f"{self._client.server} has 'inbox_id', but of another type; make an inbox of type API."
            )

    async def deliver(self, packet: Packet) -> str:
        contact = await self._contact(packet.sender)
        conversation = await self._conversation(contact, packet)
        if packet.urgency in PRIORITIES:
            priority = {"priority": PRIORITIES[packet.urgency]}
            await self._client.request("POST", f"/conversations/{conversation}/toggle_priority", content=priority)
        note = {"content": markdown(packet, 2 * self.max_bytes), "message_type": "outgoing", "private": True}
        await self._say(str(conversation), note, packet.key)
        return str(conversation)

    async def send(self, ticket: str, message: Message) -> None:
        kind = {"message_type": "outgoing" if message.note else "incoming", "private": message.note}
        words = {"content": shorten(message.text, 2 * self.max_bytes), **kind}
        await self._say(ticket, words, message.id, gone=(404,))

    def receive(self, headers: Mapping[str, str], body: bytes) -> Sequence[FromHuman]:
        if not self._secret:
            raise PermanentFailure(f"{OWNER} takes no requests; set 'webhook_secret' to let people answer.")
        timestamp, given = header(headers, TIMESTAMP), header(headers, SIGNATURE)
        if not genuine(self._secret, timestamp, given, body, tolerance_secs=self._tolerance):
            raise PermanentFailure(
                f"{OWNER} refuses a request that is not signed with 'webhook_secret' or whose time is more than "
                f"{self._tolerance:g} s off; Chatwoot signs since 4.11.2, in the inbox's own webhook since 4.13."
            )
        try:
            event = Answer(200, json.loads(body))
        except (ValueError, RecursionError) as error:
            raise BadRequest(f"{OWNER} got a request that is not JSON.") from error
        if event.find("event") == "message_created":
            return self._words(event)
        if event.find("event") == "conversation_status_changed":
            return self._hand_back(event)
        return []

    async def close(self) -> None:
        await self._client.close()

    async def _contact(self, sender: str) -> int:
        found = await self._find_contact(sender)
        if found is not None:
            return found
        contact = {"inbox_id": self._inbox, "name": sender[:255], "identifier": sender, "source_id": sender}
        made = await self._client.request("POST", "/contacts", content=contact, known=(TAKEN,))
        # Somebody else may have been faster.
        number = made.find("payload", "contact", "id") if made.status != TAKEN else await self._find_contact(sender)
        if number is None and made.status == TAKEN:
            raise PermanentFailure(f"{self._client.server} refuses the caller as a contact (HTTP 422); see its log.")
        return self._number(number, "the contact")

    async def _find_contact(self, sender: str) -> int | None:
        wanted = {"attribute_key": "identifier", "filter_operator": "equal_to", "values": [sender]}
        content = {"payload": [{**wanted, "query_operator": None}]}
        contacts = (await self._client.request("POST", "/contacts/filter", content=content)).rows("payload")
        # Its comparison ignores case, Rasa's does not.
        same = [contact for contact in contacts if contact.get("identifier") == sender]
        return self._number(same[0].get("id"), "the contact") if same else None

    async def _conversation(self, contact: int, packet: Packet) -> int:
        listed = await self._client.request("GET", f"/contacts/{contact}/conversations")
        for known in listed.rows("payload"):
            if Answer(200, known).find("custom_attributes", KEY) == packet.key:
                return self._number(known.get("id"), "the conversation")
        content = {
            "source_id": packet.sender,
            "inbox_id": self._inbox,
            "contact_id": contact,
            "status": "open",
            "custom_attributes": {KEY: packet.key},
        }
        made = await self._client.request("POST", "/conversations", content=content)
        return self._number(made.find("id"), "the conversation")

    async def _say(self, ticket: str, said: Mapping[str, Any], origin: str, gone: Sequence[int] = ()) -> None:
        path = f"/conversations/{quote(ticket, safe='')}/messages"
        listed = await self._client.request("GET", path, gone=gone)
        if any(message.get("source_id") == origin for message in listed.rows("payload")):
            return
        await self._client.request("POST", path, content={**said, "source_id": origin}, gone=gone)

    def _number(self, value: Any, what: str) -> int:
        if not isinstance(value, int):
            raise self._client.unexpected(f"the number of {what}")
        return value

    def _words(self, event: Answer) -> list[FromHuman]:
        ticket, number = event.find("conversation", "id"), event.find("id")
        wanted = for_caller(event) and event.find("inbox", "id") == self._inbox
        if not wanted or ticket is None or number is None:
            return []
        words = FromHuman(
            str(ticket),
            f"message:{number}",
            said(event),
            key=_key(event.find("conversation", "custom_attributes", KEY)),
            spoken=said(event, spoken=True),
            machine=by_machine(event),
            undelivered=undelivered(event),
        )
        return [words] if words.text or words.undelivered else []

    def _hand_back(self, event: Answer) -> list[FromHuman]:
        ticket = event.find("id")
        if event.find("status") != "resolved" or event.find("inbox_id") != self._inbox or ticket is None:
            return []
        # A conversation may be resolved, opened and resolved again: the time tells which it was.
        at = event.find("updated_at") or event.find("timestamp")
        outcome = event.find("custom_attributes", self._outcome)
        key = _key(event.find("custom_attributes", KEY))
        return [FromHuman(str(ticket), f"resolved:{at}", hand_back=True, outcome=str(outcome or ""), key=key)]


def _key(value: Any) -> str:
    return value if isinstance(value, str) else ""

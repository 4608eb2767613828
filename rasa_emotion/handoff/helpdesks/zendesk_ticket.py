"""A ticket in Zendesk Support (https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/), one way.

Zendesk keeps an idempotency key for two hours, in which a repeated request gets the first answer; a later one finds the
ticket by its external id.
"""

from collections.abc import Mapping
from typing import Any

from rasa_emotion.handoff.helpdesk import Helpdesk, TemporaryFailure
from rasa_emotion.handoff.http import COMMON, Client, check_id, check_timeout, check_url
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.text import as_html, subject
from rasa_emotion.settings import check_names, check_text, checked

OWNER = "The helpdesk 'zendesk_ticket'"
# A request with the same key is under way, or was just answered.
CONFLICT = 409


class ZendeskTicket(Helpdesk):
    """One ticket for each packet, with the packet as an internal note."""

    name = "zendesk_ticket"
    two_way = False
    # Zendesk takes 65,535 bytes in a comment; HTML needs some of them.
    max_bytes = 40_000

    DEFAULTS: Mapping[str, Any] = {
        **COMMON,
        # The account's address, such as https://example.zendesk.com.
        "url": None,
        # The e-mail address of the agent who owns the token.
        "email": None,
        # An API token.
        "api_token": None,
        # The number of the group that gets the tickets; null leaves it to Zendesk's rules.
        "group_id": None,
        # Tags of the tickets.
        "tags": ["rasa_emotion"],
    }

    def __init__(self, options: Mapping[str, Any]) -> None:
        settings = checked(OWNER, options, self.DEFAULTS)
        for key in ("email", "api_token"):
            check_text(OWNER, key, settings[key])
        check_names(OWNER, "tags", settings["tags"])
        group = settings["group_id"]
        self._group = None if group is None else check_id(OWNER, "group_id", group)
        self._tags: list[str] = settings["tags"]
        self._client = Client(
            self.name,
            f"{check_url(OWNER, 'url', settings['url'])}/api/v2",
            auth=(f"{settings['email']}/token", settings["api_token"]),
            timeout_secs=check_timeout(OWNER, settings),
            key="'email' and 'api_token'",
            place="'url' or 'group_id'",
        )

    async def check(self) -> None:
        # Zendesk may show an anonymous user, who has no number, instead of an error.
        if (await self._client.request("GET", "/users/me.json")).find("user", "id") is None:
            raise self._client.unexpected("a user who is signed in (see 'email' and 'api_token')")

    async def deliver(self, packet: Packet) -> str:
        known = await self._client.request("GET", "/tickets.json", query={"external_id": packet.key})
        number = known.find("tickets", 0, "id")
        if number is None:
            ticket = {
                "subject": subject(packet),
                "comment": {"html_body": as_html(packet, 65_000), "public": False},
                "priority": packet.urgency,
                "external_id": packet.key,
                "tags": self._tags,
                **({"group_id": self._group} if self._group is not None else {}),
            }
            headers = {"Idempotency-Key": packet.key}
            made = await self._client.request(
                "POST", "/tickets.json", content={"ticket": ticket}, headers=headers, known=(CONFLICT,)
            )
            if made.status == CONFLICT:
                raise TemporaryFailure(f"{self._client.server} is at it already (HTTP 409); it will be asked again.")
            number = made.find("ticket", "id")
        if not isinstance(number, int):
            raise self._client.unexpected("the number of the ticket")
        return str(number)

    async def close(self) -> None:
        await self._client.close()

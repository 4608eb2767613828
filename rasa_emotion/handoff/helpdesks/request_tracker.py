"""Request Tracker 5 over its REST 2 interface (https://docs.bestpractical.com/rt/latest/RT/REST2.html).

A ticket is found again by a tag in its subject. What people answer comes back through a scrip that posts the signed
requests of the webhook; docs/helpdesks.md has it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rasa_emotion.handoff.helpdesk import ConversationGone, FromHuman, Helpdesk, Message, PermanentFailure
from rasa_emotion.handoff.helpdesks.webhook import check_secret, signed_request
from rasa_emotion.handoff.http import COMMON, Client, check_timeout, check_url
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.signing import TOLERANCE_SECS
from rasa_emotion.handoff.text import plain, subject
from rasa_emotion.settings import check_number, check_text, checked

OWNER = "The helpdesk 'request_tracker'"
API = "/REST/2.0"
UNSEEN = (403, 404)


class RequestTracker(Helpdesk):
    """One ticket in one queue for each packet; the caller's words become correspondence in it."""

    name = "request_tracker"
    two_way = True
    # RT itself has no limit; mail systems and proxies before it do.
    max_bytes = 500_000

    DEFAULTS: Mapping[str, Any] = {
        **COMMON,
        # Where RT is: what stands before /REST/2.0.
        "url": None,
        # An authentication token of the bot's user in RT.
        "token": None,
        # Name of the queue that tickets are made in.
        "queue": "General",
        # What the scrip signs with; without it, nothing comes back from RT.
        "secret": None,
        # How far the time of a request to us may be from ours, in seconds.
        "tolerance_secs": TOLERANCE_SECS,
    }

    def __init__(self, options: Mapping[str, Any]) -> None:
        settings = checked(OWNER, options, self.DEFAULTS)
        for key in ("token", "queue"):
            check_text(OWNER, key, settings[key])
        check_number(OWNER, "tolerance_secs", settings["tolerance_secs"], above=0)
        self._queue: str = settings["queue"]
        self._secret = check_secret(OWNER, settings["secret"], optional=True)
        self._tolerance = float(settings["tolerance_secs"])
        self._client = Client(
            self.name,
            check_url(OWNER, "url", settings["url"]) + API,
            headers={"Authorization": f"token {settings['token']}", "Accept": "application/json"},
            timeout_secs=check_timeout(OWNER, settings),
            key="'token'",
            place="'url' or 'queue'",
        )

    async def check(self) -> None:
        # RT does not tell a queue that is not there from one that may not be seen.
        queue = await self._client.request("GET", f"/queue/{quote(self._queue, safe='')}", known=UNSEEN)
        if queue.status in UNSEEN:
            raise PermanentFailure(
                f"{self._client.server}: there is no queue '{self._queue}' that the owner of 'token' may see; "
                f"correct 'queue' in endpoints.yml or grant SeeQueue."
            )
        links = queue.find("_hyperlinks")
        if not isinstance(links, list):
            raise self._client.unexpected("a queue")
        # RT offers this link to those only who may follow it.
        if not any(isinstance(link, dict) and link.get("ref") == "create" for link in links):
            raise PermanentFailure(
                f"{self._client.server} does not let the owner of 'token' create tickets in the queue '{self._queue}'; "
                f"grant CreateTicket."
            )

    async def deliver(self, packet: Packet) -> str:
        tag = f"emotion-{hashlib.sha256(packet.key.encode()).hexdigest()[:20]}"
        # Wherever the ticket was moved to and whatever became of it.
        query = {"query": f"Subject LIKE '{tag}'", "orderby": "id"}
        answer = await self._client.request("GET", "/tickets", query=query)
        if answer.find("items") is None:
            raise self._client.unexpected("a list of tickets")
        ticket = answer.find("items", 0, "id")
        if ticket is None:
            content = {
                "Queue": self._queue,
                "Subject": f"{subject(packet)} [{tag}]",
                "Content": plain(packet, self.max_bytes),
                "ContentType": "text/plain",
            }
            ticket = (await self._client.request("POST", "/ticket", content=content)).find("id")
        if ticket is None:
            raise self._client.unexpected("the number of the ticket")
        return str(ticket)

    async def send(self, ticket: str, message: Message) -> None:
        path = f"/ticket/{quote(ticket, safe='')}"
        # RT takes correspondence for a deleted ticket, which comes back by it, and refuses one for none as an error.
        if (await self._client.request("GET", path, gone=(404,))).find("Status") == "deleted":
            raise ConversationGone(f"{self._client.server}: somebody deleted the ticket.")
        content = {"Content": message.text, "ContentType": "text/plain"}
        await self._client.request("POST", f"{path}/correspond", content=content)

    def receive(self, headers: Mapping[str, str], body: bytes) -> Sequence[FromHuman]:
        return signed_request(OWNER, self._secret, self._tolerance, headers, body)

    async def close(self) -> None:
        await self._client.close()

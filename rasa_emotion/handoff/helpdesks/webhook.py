"""Any program that takes signed JSON: the format stands in docs/helpdesks.md."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.helpdesk import BadRequest, FromHuman, Helpdesk, Message, PermanentFailure
from rasa_emotion.handoff.http import COMMON, Answer, Client, check_timeout, check_url
from rasa_emotion.handoff.markup import from_html, from_markdown
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.shorten import shortened
from rasa_emotion.handoff.signing import TOLERANCE_SECS, genuine, header, signature
from rasa_emotion.settings import check_number, check_text, checked

OWNER = "The helpdesk 'webhook'"
TIMESTAMP, SIGNATURE, KEY = "X-Rasa-Emotion-Timestamp", "X-Rasa-Emotion-Signature", "Idempotency-Key"
MIN_SECRET = 16
MAX_ID = 255
MAX_PACKET_BYTES = 900_000
"""What a packet has at most as JSON: servers commonly refuse requests of more than a megabyte."""

# The receiver has it already.
KNOWN = 409
GONE = (404, 410)


class Webhook(Helpdesk):
    """Posts packets and messages to one address, and takes what comes back signed in the same way."""

    name = "webhook"
    two_way = True

    DEFAULTS: Mapping[str, Any] = {
        **COMMON,
        # Where requests are posted to.
        "url": None,
        # What both sides sign with: 16 characters or more.
        "secret": None,
        # How far the time of a request to us may be from ours, in seconds.
        "tolerance_secs": TOLERANCE_SECS,
    }

    def __init__(self, options: Mapping[str, Any]) -> None:
        settings = checked(OWNER, options, self.DEFAULTS)
        url = check_url(OWNER, "url", settings["url"])
        self._secret = check_secret(OWNER, settings["secret"])
        check_number(OWNER, "tolerance_secs", settings["tolerance_secs"], above=0)
        self._tolerance = float(settings["tolerance_secs"])
        self._client = Client(self.name, url, timeout_secs=check_timeout(OWNER, settings), key="'secret'")

    async def check(self) -> None:
        await self._post({"type": "ping"}, "ping")

    async def deliver(self, packet: Packet) -> str:
        fitting = shortened(packet, MAX_PACKET_BYTES, lambda one: len(json.dumps(one.to_dict())))
        answer = await self._post({"type": "handoff", "packet": fitting.to_dict()}, packet.key, known=(KNOWN,))
        ticket = answer.find("ticket")
        return ticket if isinstance(ticket, str) and 0 < len(ticket) <= MAX_ID else packet.key

    async def send(self, ticket: str, message: Message) -> None:
        said = {"id": message.id, "text": message.text, "created": message.created, "note": message.note}
        content = {"type": "message", "ticket": ticket, "message": said}
        await self._post(content, f"{ticket}:{message.id}", known=(KNOWN,), gone=GONE)

    def receive(self, headers: Mapping[str, str], body: bytes) -> Sequence[FromHuman]:
        return signed_request(OWNER, self._secret, self._tolerance, headers, body)

    async def close(self) -> None:
        await self._client.close()

    async def _post(
        self, content: Mapping[str, Any], key: str, known: Sequence[int] = (), gone: Sequence[int] = ()
    ) -> Answer:
        body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
        timestamp = str(int(time.time()))
        headers = {TIMESTAMP: timestamp, SIGNATURE: signature(self._secret, timestamp, body), KEY: key}
        return await self._client.request("POST", body=body, headers=headers, known=known, gone=gone)


def check_secret(owner: str, value: Any, *, optional: bool = False) -> str:
    """A secret of 16 characters or more; empty where it is None and may be. Raises ConfigError otherwise."""
    if value is None and not optional:
        raise ConfigError(
            f"{owner} needs a 'secret' of {MIN_SECRET} characters or more; draw one, and give both sides the same."
        )
    check_text(owner, "secret", value, optional=optional)
    if value is not None and len(value) < MIN_SECRET:
        raise ConfigError(f"{owner}: 'secret' is shorter than {MIN_SECRET} characters; draw a longer one.")
    return value or ""


def signed_request(
    owner: str, secret: str, tolerance_secs: float, headers: Mapping[str, str], body: bytes
) -> list[FromHuman]:
    """What a signed request says. Raises PermanentFailure where it is not signed, BadRequest where it is none."""
    if not secret:
        raise PermanentFailure(f"{owner} takes no requests; set 'secret' to let people answer.")
    timestamp, given = header(headers, TIMESTAMP), header(headers, SIGNATURE)
    if not genuine(secret, timestamp, given, body, tolerance_secs=tolerance_secs):
        raise PermanentFailure(
            f"{owner} refuses a request that is not signed with 'secret' or whose time is more than "
            f"{tolerance_secs:g} s off; see that both sides have the same secret and the right time."
        )
    return [_from_human(owner, body)]


def _from_human(owner: str, body: bytes) -> FromHuman:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{owner} got a request that is not JSON; send an object.") from error
    if not isinstance(content, dict):
        raise BadRequest(f"{owner} got JSON that is not an object; send one.")
    for key in ("ticket", "id"):
        if not isinstance(content.get(key), str) or not 0 < len(content[key]) <= MAX_ID:
            raise BadRequest(f"{owner} got a request without '{key}'; send a text of 1 to {MAX_ID} characters.")
    text, outcome, hand_back = content.get("text", ""), content.get("outcome", ""), content.get("hand_back", False)
    machine, markup = content.get("machine", False), content.get("markup", PLAIN)
    undelivered = content.get("undelivered", "")
    if not all(isinstance(words, str) for words in (text, outcome, undelivered)):
        raise BadRequest(f"{owner} got a 'text', 'outcome' or 'undelivered' that is not a text; send a text.")
    if not isinstance(hand_back, bool) or not isinstance(machine, bool):
        raise BadRequest(f"{owner} got a 'hand_back' or 'machine' that is not a flag; send true or false.")
    if not isinstance(markup, str) or markup not in MARKUP:
        raise BadRequest(f"{owner} got a 'markup' that it does not know; send one of {', '.join(MARKUP)}.")
    if not text.strip() and not hand_back and not undelivered:
        raise BadRequest(f"{owner} got a request without 'text' and without 'hand_back'; send one of them.")
    return FromHuman(
        content["ticket"],
        content["id"],
        MARKUP[markup](text, spoken=False),
        hand_back,
        outcome if hand_back else "",
        spoken=MARKUP[markup](text, spoken=True),
        machine=machine,
        undelivered=undelivered,
    )


def _plain(text: str, *, spoken: bool) -> str:
    return text


PLAIN = "plain"
MARKUP: dict[str, Callable[..., str]] = {PLAIN: _plain, "markdown": from_markdown, "html": from_html}
"""How a text may be written, and what makes it plain."""

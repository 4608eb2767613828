"""An alert in a channel of Slack (https://api.slack.com/methods/chat.postMessage, or an incoming webhook), one way.

Slack has neither an idempotency key nor a look-up that these keys may use: where a connection breaks after Slack took
the message, people see it twice. It is never lost.
"""

import re
from collections.abc import Mapping
from typing import Any

from rasa_emotion.errors import ConfigError
from rasa_emotion.handoff.helpdesk import Helpdesk, PermanentFailure, TemporaryFailure
from rasa_emotion.handoff.http import COMMON, Answer, Client, check_timeout, check_url
from rasa_emotion.handoff.packet import Packet
from rasa_emotion.handoff.text import Row, fit, rows
from rasa_emotion.settings import check_text, checked

OWNER = "The helpdesk 'slack'"
WRONG_KEY = {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
WRONG_CHANNEL = {"channel_not_found", "not_in_channel", "is_archived", "restricted_action"}
PASSING = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}


class Slack(Helpdesk):
    """One message in one channel for each packet."""

    name = "slack"
    two_way = False
    # Slack advises 4,000 characters, and cuts without a word at 40,000.
    max_bytes = 3_500

    DEFAULTS: Mapping[str, Any] = {
        **COMMON,
        # The address of an incoming webhook; or
        "webhook_url": None,
        # the token of a bot with the right chat:write, and the channel that it is in.
        "token": None,
        "channel": None,
        # Where Slack's Web API is; GovSlack has another address.
        "url": "https://slack.com/api",
    }

    def __init__(self, options: Mapping[str, Any]) -> None:
        settings = checked(OWNER, options, self.DEFAULTS)
        by_webhook = settings["webhook_url"] is not None
        if by_webhook == (settings["token"] is not None):
            raise ConfigError(f"{OWNER} needs either 'webhook_url' or 'token' and 'channel'; give one of the two.")
        self._channel: str | None = None
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if not by_webhook:
            for key in ("token", "channel"):
                check_text(OWNER, key, settings[key])
            self._channel = settings["channel"]
            headers["Authorization"] = f"Bearer {settings['token']}"
        key = "webhook_url" if by_webhook else "url"
        self._client = Client(
            self.name,
            check_url(OWNER, key, settings[key]),
            headers=headers,
            timeout_secs=check_timeout(OWNER, settings),
            key="'webhook_url'" if by_webhook else "'token'",
            place="'webhook_url'" if by_webhook else "'channel'",
        )

    async def check(self) -> None:
        """A webhook cannot be asked without posting; a token can (see parent class for full docstring)."""
        if self._channel is not None:
            self._checked(await self._client.request("POST", "/auth.test"))

    async def deliver(self, packet: Packet) -> str:
        """The ticket is the message's channel and time; with a webhook, which tells neither, the packet's key
        (see parent class for full docstring)."""
        text = fit(rows(packet), 4_000, _mrkdwn, "\n")
        # Without markup and previews: what callers say is not to format, link or load anything.
        message = {"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
        if self._channel is None:
            await self._client.request("POST", content=message)
            return packet.key
        answer = await self._client.request("POST", "/chat.postMessage", content={"channel": self._channel, **message})
        self._checked(answer)
        return f"{answer.find('channel')}:{answer.find('ts')}"

    async def close(self) -> None:
        await self._client.close()

    def _checked(self, answer: Answer) -> None:
        """Slack says errors with the status 200."""
        if answer.find("ok") is True:
            return
        said = str(answer.find("error"))
        error = said if re.fullmatch(r"[a-z_]{1,60}", said) else "no reason"
        if error in PASSING:
            raise TemporaryFailure(f"{self._client.server} said {error}: it cannot answer now; it will be asked again.")
        remedy = "see the list of errors of chat.postMessage"
        if error in WRONG_KEY:
            remedy = "correct 'token' in endpoints.yml"
        elif error in WRONG_CHANNEL:
            remedy = "correct 'channel' in endpoints.yml and invite the bot to it"
        elif error == "missing_scope":
            remedy = "give the bot the right chat:write"
        raise PermanentFailure(f"{self._client.server} said {error}: {remedy}.")


def _mrkdwn(row: Row) -> str:
    return row.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

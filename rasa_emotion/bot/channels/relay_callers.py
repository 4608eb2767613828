"""The human's words on their way to callers whose channel takes messages at any time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from rasa.core.channels.callback import CallbackOutput
from rasa.core.channels.channel import InputChannel, OutputChannel
from rasa.core.channels.socketio import SocketIOInput
from rasa.utils.endpoints import EndpointConfig

from rasa_emotion.bot.channels.relay_service import RelayService
from rasa_emotion.bot.rasa_versions import socket_server
from rasa_emotion.errors import place_of
from rasa_emotion.handoff.record import Said
from rasa_emotion.handoff.tables import DEAD, DELIVERED, PENDING
from rasa_emotion.logs import named

logger = logging.getLogger(__name__)

PUSH_SECS = 20.0
"""How long one delivery may take."""

LEASE_SECS = 60.0
"""After which another process may deliver what one has begun: more than a delivery takes."""

LONGEST_WAIT_SECS = 300.0
KEPT_SECS = 86_400.0
"""How long it is tried; later the words would surprise the caller."""

SOCKET_NAMESPACE = "/"
"""Where Rasa's socketio channel sends, whatever namespace it listens in."""

Push = Callable[[Said], Awaitable[None]]


def push_of(channel: InputChannel, callback_url: str | None) -> Push | None:
    """How the channel takes a message at any time; None where callers must ask for it."""
    if callback_url is not None:
        return _to_url(EndpointConfig(callback_url))
    output = channel.get_output_channel()
    if output is None:
        return None
    # Rasa's own output for callbacks logs a refusal and goes on: the message would be lost.
    return _to_url(output.callback_endpoint) if isinstance(output, CallbackOutput) else _to_output(output)


def presence_of(channel: InputChannel) -> Callable[[str], bool]:
    """Whether a caller can be reached now: what is sent to a socket that nobody holds is lost."""
    if hasattr(channel, "is_present"):  # VoiceInput: a caller who has hung up
        return channel.is_present  # type: ignore[no-any-return]
    if not isinstance(channel, SocketIOInput):
        return lambda sender: True

    def present(sender: str) -> bool:
        server = socket_server(channel)
        manager = server and server.manager
        return bool(manager) and any(True for _ in manager.get_participants(SOCKET_NAMESPACE, sender))

    return present


class Callers:
    """Brings the callers of one channel what humans say to them: each message once, each caller's in order.

    Args:
        service: of this server process.
        channel: its name.
        push: from `push_of`.
        present: from `presence_of`.
    """

    def __init__(self, service: RelayService, channel: str, push: Push, present: Callable[[str], bool]) -> None:
        self._service = service
        self._channel = channel
        self._push = push
        self._present = present

    async def deliver(self) -> None:
        """Deliver what is due now. Raises Unavailable when the database fails."""
        due = await self._service.ask(lambda record: record.due(self._channel))
        await asyncio.gather(*(self._bring(said) for said in due))

    async def _bring(self, said: Said) -> None:
        if self._service.clock() - said.created > KEPT_SECS:
            logger.error(
                "Message %d of the human never reached its caller; it is given up.",
                said.id,
                extra=named("relay.message.lost"),
            )
            await self._service.ask(lambda record: record.settle(said, DEAD, error="The caller could not be reached."))
            return
        if not self._present(said.sender):
            return
        if not await self._service.ask(lambda record: record.claim(said, LEASE_SECS)):
            return  # another process has it
        try:
            await asyncio.wait_for(self._push(said), PUSH_SECS)
        except Exception as error:
            await self._failed(said, place_of(error))
            return
        await self._service.ask(lambda record: record.settle(said, DELIVERED))

    async def _failed(self, said: Said, error: str) -> None:
        wait_secs = min(LONGEST_WAIT_SECS, 2.0 ** min(said.attempts, 16))
        if said.attempts == 0:
            logger.warning(
                "Message %d of the human did not reach its caller (%s); it is tried again.",
                said.id,
                error,
                extra=named("relay.message.retried"),
            )
        await self._service.ask(lambda record: record.settle(said, PENDING, wait_secs=wait_secs, error=error))


def _to_url(endpoint: EndpointConfig) -> Push:
    async def push(said: Said) -> None:
        # The shape of Rasa's own callbacks, with the id by which the other side tells a repetition.
        message = {"recipient_id": said.sender, "text": said.text, "id": said.id}
        await endpoint.request("post", content_type="application/json", json=message)

    return push


def _to_output(output: OutputChannel) -> Push:
    async def push(said: Said) -> None:
        await output.send_text_message(said.sender, said.text)

    return push

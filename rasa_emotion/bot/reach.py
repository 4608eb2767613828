"""Whether a human can talk to the callers of a channel: the server that runs in this process knows."""

from sanic import Sanic
from sanic.exceptions import SanicException

_OF_RASA = frozenset({"rasa"})
"""Channels on which Rasa's own people try the bot."""


def unreachable_channels() -> frozenset[str]:
    """Names of the channels that this process serves without a relay; empty where it is no server, as in a test."""
    return frozenset(name for name, relayed in _channels().items() if not relayed)


def reachable(channel: str | None) -> bool:
    """Whether a human can talk to a caller on a channel; also where that cannot be known."""
    return channel is None or _channels().get(channel, True)


def _channels() -> dict[str, bool]:
    """The channels that this process serves, each with whether a human can talk on it."""
    try:
        app = Sanic.get_app()
    except SanicException:  # none, or several
        return {}
    served = getattr(app.ctx, "input_channels", None) or ()
    return {one.name(): getattr(one, "human_can_talk", False) for one in served if one.name() not in _OF_RASA}

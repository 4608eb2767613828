"""From what an intake took to what Rasa takes."""

from rasa.core.channels.channel import OutputChannel, UserMessage

from rasa_emotion.turn.message import Taken


def user_message(taken: Taken, output: OutputChannel, channel: str) -> UserMessage:
    """Rasa's message for a turn.

    Args:
        taken: what the intake hands on.
        output: where the bot's answers go.
        channel: its name, unless the turn has another.
    """
    return UserMessage(
        taken.text,
        output,
        taken.sender,
        input_channel=taken.input_channel or channel,
        message_id=taken.message_id,
        metadata=taken.metadata,
    )

"""Where earlier releases had it: trained models and YAML files name this module."""

from rasa_emotion.bot.channels.relay import RelayInput  # noqa: F401

"""Where earlier releases had it: trained models and YAML files name this module."""

from rasa_emotion.bot.tracker_store import EmotionTrackerStore  # noqa: F401

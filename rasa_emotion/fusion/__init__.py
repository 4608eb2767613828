"""Several pieces of evidence to one estimate."""

from rasa_emotion.fusion.product import Fusion

__all__ = ["Fusion"]

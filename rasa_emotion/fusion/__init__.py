"""Several pieces of evidence to one estimate."""

from rasa_emotion.fusion.product import Fusion, fusion_for

__all__ = ["Fusion", "fusion_for"]

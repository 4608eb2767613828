"""A voice to evidence: the exported model at run time, and the network that the recipes train."""

from rasa_emotion.acoustic.classifier import AcousticClassifier

__all__ = ["AcousticClassifier"]

"""Words to evidence: a DistilBERT classifier that runs on ONNX Runtime.

>>> from rasa_emotion.text import TextClassifier
"""

from rasa_emotion.text.classifier import TextClassifier

__all__ = ["TextClassifier"]

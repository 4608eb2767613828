"""Recipes of the text model: a DistilBERT started from MiniLM-L6, fine-tuned and exported to ONNX."""

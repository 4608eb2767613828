"""Registers each verb's function with the command."""

from rasa_emotion.cli import app
from rasa_emotion.cli.analyze import analyze

app.command()(analyze)

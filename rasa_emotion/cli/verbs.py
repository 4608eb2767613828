"""Registers each verb's function with the command."""

from rasa_emotion.cli import app
from rasa_emotion.cli.analyze import analyze
from rasa_emotion.cli.init import init

app.command()(analyze)
app.command()(init)

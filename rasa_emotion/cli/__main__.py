"""`python -m rasa_emotion.cli`, where the command is not on the PATH."""

from rasa_emotion.cli import main

main()

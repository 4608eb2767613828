"""Old paths of what is in `rasa_emotion.bot`; see docs/upgrading.md."""

"""Old paths of what is in `rasa_emotion.bot.channels`; see docs/upgrading.md."""

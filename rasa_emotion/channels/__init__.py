"""Input channels that hear the caller before Rasa reads the words."""

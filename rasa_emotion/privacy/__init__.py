"""What a caller may decide and what is forgotten: consent, retention, deletion. No Rasa."""

"""What a database refuses, kept beside it until it answers: handovers, callers' words, choices. No Rasa."""

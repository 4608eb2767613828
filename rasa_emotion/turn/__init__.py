"""One turn of a caller, whatever channel it came by. No Rasa."""

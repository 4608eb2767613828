"""Speech synthesis behind one interface: text with prosody in, samples out, as they come."""

"""What a steady sound is, measured: how much speech is lost, and what of tones and music is still taken for a voice."""

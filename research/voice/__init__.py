"""The page that shows one voice beside another on ordinary speech, lines, lengths and corpora left out."""

"""The helpdesks that can take a conversation over, one file each."""

"""Ordinary speech for training and testing, synthesised or out of Debian's packages: README.md lists its kinds."""

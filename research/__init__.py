"""Experiments on the models, outside the package: README.md lists them. Run the commands from the checkout's root."""

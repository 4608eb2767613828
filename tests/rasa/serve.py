"""Rasa's own command, with the foreseeable analyzer in place of the real one: `python serve.py run --port 5005 ...`."""

from fake_analyzer import install
from rasa.__main__ import main

if __name__ == "__main__":
    install()
    main()

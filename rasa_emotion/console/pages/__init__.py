"""The pages, in the order of the navigation."""

from rasa_emotion.console.frame import Page
from rasa_emotion.console.pages import desk, live, review, workbench

PAGES: tuple[Page, ...] = (live.PAGE, desk.PAGE, workbench.PAGE, review.PAGE)
"""A new page: a module here with its `PAGE`, and an entry in this list."""

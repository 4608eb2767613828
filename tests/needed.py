"""Tests that talk to a program: skipped where it is not installed, with the command that installs it as the reason."""

import pytest
from programs import why_not


def needs(package: str) -> pytest.MarkDecorator:
    """The mark for a test that talks to what a package of Debian's brings."""
    reason = why_not(package)
    return pytest.mark.skipif(bool(reason), reason=reason)


def skip_without(package: str) -> None:
    """The same inside a test or a fixture."""
    if reason := why_not(package):
        pytest.skip(reason)

"""Debian's packages that the demo and the tests talk to: what is missing, and how it is installed.

`scripts/environment.py` installs them where it runs as root on Debian; tests say with this table what they wait for.
Written for the standard library of Python 3.7.
"""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

Program = namedtuple("Program", "package shows purpose")
"""A package, what shows it is installed (a program, or a file from the root on), and what for."""

DEMO = (Program("espeak-ng", "espeak-ng", "speaks in the demo and the tests"),)
"""Nothing runs without these."""
TESTS = (
    Program("chromium", "chromium", "opens the softphone"),
    Program("faketime", "faketime", "puts a process's clock forward and back"),
    Program("gcc", "gcc", "compiles what records a process's writes"),
    Program("libc6-dev", "usr/include/dlfcn.h", "is what that is compiled with"),
    Program("nginx-light", "nginx", "is the proxy of docs/security.md"),
    Program("openssl", "openssl", "makes certificates for helpdesks and the proxy"),
    Program("postgresql", "usr/lib/postgresql/*/bin/pg_ctl", "holds conversations, handoffs and consents"),
    Program("redis-server", "redis-server", "holds conversations"),
)
"""Tests that talk to one of these are skipped without it."""
NIGHTLY = (
    Program("request-tracker5", "rt-setup-database-5", "is a helpdesk"),
    Program("rt5-db-sqlite", "usr/share/doc/rt5-db-sqlite", "is the helpdesk's database"),
)
"""The same for tests that have the marker `nightly`."""
ANSWERS = (
    "request-tracker5 request-tracker5/dbconfig-install boolean false",
    "request-tracker5 request-tracker5/install-cronjobs boolean false",
)
"""For what packages ask when they are installed: no database and no jobs of the system's own."""


def found(program: Program) -> bool:
    """Whether a package is installed."""
    return any(Path("/").glob(program.shows)) if "/" in program.shows else shutil.which(program.shows) is not None


def missing(programs: tuple[Program, ...]) -> list[Program]:
    """Those that are not installed."""
    return [program for program in programs if not found(program)]


def may_install() -> bool:
    """Whether this is root on Debian or Ubuntu."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def command(packages: list[str]) -> list[str]:
    """What installs them."""
    return ["apt-get", "install", "--yes", "-qq", "--no-install-recommends", *packages]


def why_not(package: str) -> str:
    """Why a test is skipped, and the command that would run it; empty where the package is installed.

    Raises:
        KeyError: no table above has it.
    """
    program = {program.package: program for program in (*DEMO, *TESTS, *NIGHTLY)}[package]
    return "" if found(program) else f"{package} is not installed: sudo apt-get install {package}"

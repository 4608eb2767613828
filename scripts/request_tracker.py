"""A Request Tracker of one's own to try the helpdesk with: `python3 scripts/request_tracker.py [--install]`.

Needs Debian's packages request-tracker5 and rt5-db-sqlite, which `--install` fetches (as root). Everything is made anew
in a temporary folder: a SQLite database, a queue, a user with a token for the bot and one for a person. The server
listens on this machine alone and ends with the script; nothing of a Request Tracker that is set up here is touched.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import programs
from environment import ensure_programs

SETUP = "rt-setup-database-5"
SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
LIBRARY = "/usr/share/request-tracker5/lib"
QUEUE = "Callers & co"
START_SECS = 120

SITE_CONFIG = """
Set($rtname, 'try');
Set($Organization, 'try.invalid');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($WebPath, '');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.db');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'error');
Set($MailCommand, 'testfile');
$RT::MasonDataDir = '{folder}/mason';
$RT::MasonSessionDir = '{folder}/session';
1;
"""

# Queue, users, rights and tokens; answers JSON. The scrip's code comes in as a file.
PEOPLE = """
use strict; use warnings; use lib '{library}';
use JSON; use RT; RT::LoadConfig(); RT::Init();
my ($queue_name, $scrip_code) = @ARGV;
sub done { my ($ok, $said) = @_; die "$said\\n" unless $ok; }
my $system = RT->SystemUser;
my $queue = RT::Queue->new($system);
done($queue->Create(Name => $queue_name));
my %token;
my %rights = (
    bot => [qw(SeeQueue ShowTicket CreateTicket ReplyToTicket)],
    ada => [qw(SeeQueue ShowTicket ReplyToTicket ModifyTicket CommentOnTicket DeleteTicket)],
);
for my $name (sort keys %rights) {
    my $user = RT::User->new($system);
    done($user->Create(Name => $name, Privileged => 1));
    done($user->PrincipalObj->GrantRight(Right => $_, Object => $queue)) for @{$rights{$name}};
    my ($ok, $said, $token) = RT::AuthToken->new($system)->Create(Owner => $user->id, Description => 'try');
    done($ok, $said);
    $token{$name} = $token;
}
if ($scrip_code) {
    open my $file, '<', $scrip_code or die $!;
    my $code = do { local $/; <$file> };
    done(RT::Scrip->new($system)->Create(
        Description => 'bot', Queue => $queue->id, Template => 'Blank',
        ScripCondition => 'On Transaction', ScripAction => 'User Defined',
        CustomPrepareCode => 'return 1;', CustomCommitCode => $code,
    ));
}
print JSON->new->encode(\\%token);
"""


class NotInstalled(Exception):
    """Request Tracker is not on this machine."""


@dataclass(frozen=True)
class Server:
    """A Request Tracker that runs.

    Args:
        url: where it listens.
        queue: the name of its queue.
        token: of the bot's user.
        person_token: of a person who may answer, resolve and delete.
    """

    url: str
    queue: str
    token: str
    person_token: str

    def settings(self) -> dict[str, str]:
        """The key `helpdesk` of endpoints.yml."""
        return {"type": "request_tracker", "url": self.url, "token": self.token, "queue": self.queue}


class RequestTracker:
    """Starts one in `folder`, which is the caller's to delete; use it in a `with` statement.

    Args:
        scrip: the code of a scrip that is asked at every transaction.

    Raises:
        NotInstalled: see the class.
        RuntimeError: it did not start; the message holds the end of its log.
    """

    def __init__(self, folder: Path, scrip: str | None = None) -> None:
        self._folder = folder
        self._scrip = scrip
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        if not installed():
            names = " and ".join(program.package for program in programs.NIGHTLY)
            raise NotInstalled(f"Debian's packages {names} are not installed")
        port = free_port()
        for name in ("mason", "session", "none"):
            (self._folder / name).mkdir()
        config = self._folder / "RT_SiteConfig.pm"
        config.write_text(SITE_CONFIG.format(port=port, folder=self._folder), encoding="utf-8")
        environment = {**os.environ, "RT_SITE_CONFIG": str(config), "RT_SITE_CONFIG_DIR": str(self._folder / "none")}
        _ask([SETUP, "--action", "init", "--skip-create"], environment)
        tokens = json.loads(_ask(self._people(), environment))
        command = ["perl", str(SERVER), "--server", "Standalone", "--host", "127.0.0.1", "--port", str(port)]
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            self._wait(url)
        except BaseException:
            self.__exit__()
            raise
        return Server(url, QUEUE, tokens["bot"], tokens["ada"])

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _people(self) -> list[str]:
        script = self._folder / "people.pl"
        script.write_text(PEOPLE.replace("{library}", LIBRARY), encoding="utf-8")
        command = ["perl", str(script), QUEUE]
        if self._scrip is None:
            return command
        code = self._folder / "scrip.pl"
        code.write_text(self._scrip, encoding="utf-8")
        return [*command, str(code)]

    def _wait(self, url: str) -> None:
        assert self._process is not None
        until = time.monotonic() + START_SECS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                urlopen(f"{url}/REST/2.0/rt", timeout=START_SECS)
            except HTTPError:
                return  # it asks for a token, so it is there
            except (URLError, OSError):
                time.sleep(0.2)
        log = (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"Request Tracker did not start: {log}")


def installed() -> bool:
    """Whether the packages are there."""
    return shutil.which(SETUP) is not None and SERVER.is_file()


def _ask(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"'{command[0]} {command[1]}' failed: {done.stderr[-2000:]}")
    return done.stdout


def free_port() -> int:
    """A port of this machine that nobody listens at now."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true", help="install Debian's packages first (as root)")
    parser.add_argument("--scrip", type=Path, help="a file with the code of a scrip, such as that of docs/examples")
    given = parser.parse_args()
    if given.install:
        ensure_programs(programs.NIGHTLY, needed=True)
    scrip = given.scrip.read_text(encoding="utf-8") if given.scrip else None
    # Ended in any way, it takes its server along.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        try:
            with RequestTracker(Path(folder), scrip) as server:
                print(json.dumps(server.settings()), flush=True)
                print("Request Tracker runs (root, password); Ctrl-C ends it.", file=sys.stderr)
                while True:
                    time.sleep(3600)
        except NotInstalled as error:
            print(f"{error}; install them with --install.", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())

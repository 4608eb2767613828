#!/bin/bash
# A program that has answered and gone before its input was written: asyncio's `communicate()` gives the answer. Under uvloop
# the same call raises a RuntimeError, and the answer is lost with it: a read afterwards gives nothing. asyncio's own
# exceptions for it (BrokenPipeError, ConnectionResetError) are caught by the standard library; uvloop's is another one.
# It concerns whoever runs a synthesiser or decoder as a process inside a server that puts uvloop in place, as Sanic and
# uvicorn do: what is right in a test under asyncio fails in service, and only for programs that are quick.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
python3 -m venv own
own/bin/pip install --quiet --disable-pip-version-check uvloop==0.21.0 > log 2>&1 \
    || { echo "uvloop cannot be had: $(tail -1 log)"; exit 2; }
cat > run.py <<'END'
import asyncio
import sys

import uvloop


async def answer() -> str:
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec("echo", "the answer", stdin=pipe, stdout=pipe)
    await program.wait()
    try:
        found, _ = await program.communicate(b"a question that nobody reads")
    except RuntimeError as error:
        left = await program.stdout.read()
        return f"RuntimeError ({str(error).split(';')[-1].strip()}), left to read: {left!r}"
    return repr(found)


if sys.argv[1] == "uvloop":
    uvloop.install()
print(asyncio.run(answer()))
END
echo "Python $(own/bin/python -c 'import platform; print(platform.python_version())'), uvloop 0.21.0"
standard=$(own/bin/python run.py asyncio)
other=$(own/bin/python run.py uvloop)
echo "asyncio: $standard"
echo "uvloop:  $other"
case "$standard|$other" in
    "b'the answer\\n'|RuntimeError (the handler is closed), left to read: b''") echo "behaviour as described" ;;
    *) echo "behaviour has CHANGED"; exit 1 ;;
esac

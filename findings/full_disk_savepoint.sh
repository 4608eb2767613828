#!/bin/bash
# A savepoint does not confine a full disk: where an INSERT inside of a savepoint finds no room, SQLite may take back the whole
# transaction, and Python's sqlite3 then commits nothing without an error. A program that catches the failure of one optional
# row, rolls back to its savepoint and commits the rest loses the rest. `in_transaction` tells. The rollback to the savepoint
# fails too ("no such savepoint"), which SQLAlchemy 1.4 hides behind the first error.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
python3 - <<'PYTHON'
import sqlite3

print(f"SQLite {sqlite3.sqlite_version}")
connection = sqlite3.connect("small.db")
connection.execute("CREATE TABLE turns (text)")
connection.commit()
pages = connection.execute("PRAGMA page_count").fetchone()[0]
connection.execute(f"PRAGMA max_page_count={pages + 1}")
connection.execute("INSERT INTO turns VALUES ('the turn')")
connection.execute("SAVEPOINT extra")
try:
    connection.execute("INSERT INTO turns VALUES (?)", ("x" * 100_000,))
except sqlite3.OperationalError as error:
    print("inside of the savepoint:", error)
print("still in a transaction:", connection.in_transaction)
try:
    connection.execute("ROLLBACK TO extra")
except sqlite3.OperationalError as error:
    print("rolled back to the savepoint:", error)
connection.commit()
print("committed without an error; turns:", connection.execute("SELECT count(*) FROM turns").fetchone()[0])
PYTHON

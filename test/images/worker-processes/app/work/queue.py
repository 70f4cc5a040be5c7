"""A queue in SQLite, between the web processes and the workers."""

import json
import pathlib
import sqlite3
import time

schema = (pathlib.Path(__file__).parent / "queue.sql").read_text()


def connect():
    connection = sqlite3.connect("/var/lib/mill/queue.sqlite", timeout=20, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.executescript(schema)
    return connection


def add(connection, kind, options):
    return connection.execute("insert into job (kind, options) values (?, ?)", [kind, json.dumps(options)]).lastrowid


def wait(connection, key, seconds=10):
    until = time.monotonic() + seconds
    while True:
        row = connection.execute("select state, result from job where id = ?", [key]).fetchone()
        if row is None or row["state"] in ("done", "failed") or time.monotonic() > until:
            return row
        time.sleep(0.05)


def claim(connection, worker):
    return connection.execute(
        "update job set state = 'running', worker = ? where id = (select id from job where state = 'new' limit 1) returning *",
        [worker],
    ).fetchone()


def finish(connection, key, state, result):
    connection.execute("update job set state = ?, result = ? where id = ?", [state, result, key])

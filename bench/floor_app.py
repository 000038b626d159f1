"""The floor that `POST /evaluations` is measured against: Flask and gunicorn writing the same two rows, nothing else.

Each request makes two durable commits, one before the answer is computed and one after, as an audit must.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import uuid
from datetime import UTC, datetime

from flask import Flask, Response, request

app = Flask(__name__)
local = threading.local()

SCHEMA = """
CREATE TABLE IF NOT EXISTS audit (
    audit_id TEXT PRIMARY KEY, request_id TEXT, entry_type TEXT, time_stamp TEXT, app TEXT, ruleset TEXT,
    raw_data TEXT);
CREATE INDEX IF NOT EXISTS audit_request ON audit (request_id, time_stamp);
CREATE INDEX IF NOT EXISTS audit_ruleset ON audit (ruleset, time_stamp);
CREATE INDEX IF NOT EXISTS audit_time ON audit (time_stamp);
"""


def connection() -> sqlite3.Connection:
    """This thread's connection, in the same durability mode as Tocsin's own store."""
    if not hasattr(local, "connection"):
        local.connection = sqlite3.connect(os.environ["FLOOR_DB"], timeout=60, isolation_level=None)
        local.connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + SCHEMA)
    opened: sqlite3.Connection = local.connection
    return opened


def write(request_id: str, entry_type: str, raw_data: str) -> None:
    """One audit row, one commit."""
    row = (str(uuid.uuid4()), request_id, entry_type, datetime.now(UTC).isoformat(), "bench", "premium", raw_data)
    connection().execute("INSERT INTO audit VALUES (?,?,?,?,?,?,?)", row)


@app.post("/evaluate")
def evaluate() -> Response:
    """Two rows and the premium by plain ifs."""
    body = json.loads(request.get_data())
    request_id = body["context"]["request_id"]
    write(request_id, "request", json.dumps(body))
    facts = body["request"]
    age, premium = int(facts["driver"]["age"]), float(facts["policy"]["premium"])
    red_sports = facts["car"]["style"] == "SPORTS" and facts["car"]["color"] == "RED"
    rate = 1.2 if red_sports and age < 21 else 1.1 if red_sports and age > 21 else 1.0
    facts["policy"]["premium"] = round(premium * rate, 2)
    answer = json.dumps({"request_id": request_id, "result": facts})
    write(request_id, "response", answer)
    return Response(answer, mimetype="application/json")

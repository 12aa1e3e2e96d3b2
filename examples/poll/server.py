import os
import sqlite3
import uuid

from flask import Flask, abort, redirect, render_template, request

CHOICES = ["tea", "coffee", "water"]
YEAR_SECONDS = 365 * 24 * 3600

app = Flask(__name__)


def votes():
    """Opens the votes, which outlive instances and versions of the service."""
    database = sqlite3.connect(os.path.join(os.environ["LEVEROS_DATA_DIR"], "votes.sqlite"))
    database.execute("CREATE TABLE IF NOT EXISTS votes (visitor TEXT PRIMARY KEY, choice TEXT NOT NULL)")
    return database


@app.get("/")
def results():
    with votes() as database:
        counts = dict(database.execute("SELECT choice, count(*) FROM votes GROUP BY choice"))
        own = database.execute("SELECT choice FROM votes WHERE visitor = ?", [request.cookies.get("visitor")])
        return render_template("poll.html", choices=CHOICES, counts=counts, own=own.fetchone())


@app.post("/vote")
def vote():
    choice = request.form.get("choice")
    if choice not in CHOICES:
        abort(400)
    visitor = request.cookies.get("visitor") or uuid.uuid4().hex
    with votes() as database:
        database.execute("INSERT OR REPLACE INTO votes VALUES (?, ?)", [visitor, choice])
    # Relative, so that it is right at every address of the service.
    response = redirect("./", 303)
    response.set_cookie("visitor", visitor, max_age=YEAR_SECONDS, httponly=True, samesite="Lax", path=None)
    return response

import os

from flask import Flask, Response, jsonify, render_template, request

from work import queue

app = Flask(__name__, root_path="/srv/mill")


@app.get("/")
def home():
    return render_template("home.html", title="Mill")


@app.get("/health")
def health():
    return jsonify(ok=True)


@app.get("/process")
def process():
    import pwd

    return jsonify(user=pwd.getpwuid(os.getuid()).pw_name, master=os.getppid() != 1)


@app.post("/jobs/<kind>")
def add(kind):
    connection = queue.connect()
    return jsonify(id=queue.add(connection, kind, request.get_json())), 202


@app.get("/jobs/<int:key>")
def result(key):
    row = queue.wait(queue.connect(), key)
    if row is None:
        return render_template("lost.html", title="No such job"), 404
    return Response(row["result"], 200 if row["state"] == "done" else 422, content_type="text/plain")


@app.get("/leave")
def leave():
    """The last answer of this web process: a successor starts, and the book that this one closes shows at /book."""
    import signal

    os.kill(os.getpid(), signal.SIGTERM)
    return jsonify(leaving=True)


@app.get("/book")
def book():
    import pathlib
    import time

    until = time.monotonic() + 10
    while not (closed := sorted(pathlib.Path("/var/lib/mill").glob("book-*.json"))) and time.monotonic() < until:
        time.sleep(0.05)
    return Response(closed[0].read_text() if closed else "none", content_type="application/json")


@app.get("/boom")
def boom():
    raise RuntimeError("asked for")


@app.errorhandler(404)
def missing(_):
    return render_template("lost.html", title="Nothing here"), 404


@app.errorhandler(500)
def broken(_):
    return render_template("broken.html", title="The wheel broke"), 500

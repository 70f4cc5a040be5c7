"""Flask under gunicorn. Most of what it can do is imported by the request that asks for it."""

import importlib
import os
import pathlib

from flask import Flask, jsonify, render_template, request

app = Flask(__name__)
here = pathlib.Path(__file__).parent


@app.get("/")
def home():
    return render_template("home.html", grains=["rye", "wheat"])


@app.get("/health")
def health():
    return "ok\n", 200, {"content-type": "text/plain"}


@app.post("/echo")
def echo():
    return jsonify(received=request.get_json()), 201


@app.get("/time")
def time():
    import datetime
    import zoneinfo

    zone = zoneinfo.ZoneInfo(request.args["zone"])
    return datetime.datetime.fromtimestamp(1700000000, zone).isoformat()


@app.get("/database")
def database():
    import sqlite3

    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table grain (name text, kg real)")
        connection.executemany("insert into grain values (?, ?)", [("rye", 3), ("wheat", 4.5)])
        return jsonify(total=connection.execute("select sum(kg) from grain").fetchone()[0])


@app.get("/xml")
def xml():
    from lxml import etree

    return jsonify(names=etree.parse(str(here / "static" / "grain.xml")).xpath("//grain/@name"))


@app.get("/picture")
def picture():
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "wheat").save(buffer, request.args.get("form", "png"))
    return buffer.getvalue(), 200, {"content-type": f"image/{request.args.get('form', 'png')}"}


@app.get("/encode")
def encode():
    # codecs are modules that are found by the name of the encoding
    return jsonify(host="müller.example".encode("idna").decode(), hex="ж".encode(request.args["as"]).hex())


@app.get("/plugin/<name>")
def plugin(name):
    return importlib.import_module(f"plugins.{name}").speak()


@app.get("/version")
def version():
    from importlib import metadata

    return jsonify(flask=metadata.version("flask").split(".")[0], entry_points=bool(metadata.entry_points()))


@app.get("/pool")
def pool():
    import concurrent.futures

    # not multiprocessing.Pool: it ends its workers by SIGTERM, which those inherit a handler for from gunicorn
    with concurrent.futures.ProcessPoolExecutor(2) as workers:
        return jsonify(list(workers.map(abs, [-1, -2, 3])))


@app.get("/user")
def user():
    import grp
    import pwd

    return jsonify(name=pwd.getpwuid(os.getuid()).pw_name, group=grp.getgrgid(os.getgid()).gr_name)


@app.get("/tls")
def tls():
    return jsonify(importlib.import_module("selfrequest").self_request())


@app.get("/boom")
def boom():
    raise RuntimeError("asked for")


@app.errorhandler(404)
def missing(error):
    return render_template("error.html", title="No such field"), 404


@app.errorhandler(500)
def broken(error):
    import traceback

    lines = "".join(traceback.format_exception(error.original_exception))
    return render_template("error.html", title="Broken plough", detail=lines), 500

"""An inventory behind FastAPI. Most of what it can do is loaded by the request that asks for it."""

import importlib
import sqlite3
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, File, Form, HTTPException, Query, Request, UploadFile, WebSocket
from fastapi.responses import HTMLResponse, JSONResponse, ORJSONResponse, PlainTextResponse, StreamingResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, EmailStr, Field
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware

here = Path(__file__).parent.parent
database = sqlite3.connect(":memory:", check_same_thread=False)
finished: list[str] = []


@asynccontextmanager
async def lifespan(_: FastAPI):
    database.executescript((here / "barn" / "schema.sql").read_text())
    yield
    print((here / "barn" / "farewell.txt").read_text().strip(), flush=True)


app = FastAPI(title="Barn", lifespan=lifespan)
app.add_middleware(SessionMiddleware, secret_key="only a sample")
app.add_middleware(GZipMiddleware, minimum_size=2000)
app.mount("/static", StaticFiles(directory=here / "static"), name="static")
templates = Jinja2Templates(here / "templates")
basic = HTTPBasic()


class Animal(BaseModel):
    name: str = Field(min_length=1, max_length=20)
    kilograms: float = Field(gt=0)
    owner: EmailStr | None = None


@app.get("/", response_class=HTMLResponse)
def home(request: Request):
    rows = database.execute("select id, name, kilograms from animal order by id").fetchall()
    return templates.TemplateResponse(request, "home.html", {"animals": rows})


@app.get("/health")
def health():
    return {"ok": True}


@app.get("/report", response_class=HTMLResponse)
def report(request: Request):
    total = database.execute("select sum(kilograms) from animal").fetchone()[0]
    return templates.TemplateResponse(request, "report.html", {"total": total})


@app.get("/animals/{key}")
def one(key: int):
    row = database.execute("select name, kilograms from animal where id = ?", [key]).fetchone()
    if row is None:
        raise HTTPException(404, "no such animal")
    return {"name": row[0], "kilograms": row[1]}


@app.post("/animals", status_code=201)
def add(animal: Animal):
    cursor = database.execute("insert into animal (name, kilograms) values (?, ?)", [animal.name, animal.kilograms])
    return {"id": cursor.lastrowid, **animal.model_dump()}


@app.get("/search")
def search(q: Annotated[str, Query(min_length=2)]):
    return [name for (name,) in database.execute("select name from animal_text where animal_text match ?", [q])]


@app.post("/login")
def login(request: Request, user: Annotated[str, Form()], password: Annotated[str, Form()]):
    import hashlib

    digest = hashlib.scrypt(password.encode(), salt=user.encode(), n=1024, r=8, p=1).hex()
    if digest != (here / "barn" / "password.txt").read_text().strip():
        raise HTTPException(401, "wrong password")
    request.session["user"] = user
    return {"welcome": user}


@app.get("/me")
def me(request: Request):
    if "user" not in request.session:
        raise HTTPException(401, "log in first")
    return {"user": request.session["user"]}


@app.get("/basic")
def guarded(credentials: Annotated[HTTPBasicCredentials, Depends(basic)]):
    return {"user": credentials.username}


@app.post("/upload")
async def upload(file: Annotated[UploadFile, File()]):
    import mimetypes
    import zlib

    content = await file.read()
    return {"size": len(content), "crc": zlib.crc32(content), "type": mimetypes.guess_type(file.filename or "")[0]}


@app.get("/settings.yaml", response_class=PlainTextResponse)
def settings():
    import yaml

    return yaml.safe_dump(yaml.safe_load((here / "settings.yaml").read_text()), sort_keys=True)


@app.get("/fast", response_class=ORJSONResponse)
def fast():
    import datetime

    return ORJSONResponse({"day": datetime.date(2024, 2, 29)})


@app.get("/time")
def time(zone: str):
    import datetime
    import zoneinfo

    try:
        found = zoneinfo.ZoneInfo(zone)
    except zoneinfo.ZoneInfoNotFoundError as error:
        raise HTTPException(400, str(error)) from error
    return {"at": datetime.datetime.fromtimestamp(1700000000, found).strftime("%A %H:%M %Z")}


@app.get("/export.csv")
def export():
    def lines():
        import csv
        import io

        for row in database.execute("select name, kilograms from animal order by id"):
            buffer = io.StringIO()
            csv.writer(buffer).writerow(row)
            yield buffer.getvalue()

    return StreamingResponse(lines(), media_type="text/csv")


@app.get("/large", response_class=PlainTextResponse)
def large():
    return "chaff " * 1000


@app.post("/later", status_code=202)
def later(tasks: BackgroundTasks):
    def work():
        finished.append(importlib.import_module("barn.chores").sweep())

    tasks.add_task(work)
    return {"accepted": True}


@app.get("/later")
def done():
    import time

    for _ in range(50):
        if finished:
            break
        time.sleep(0.1)
    return finished


@app.get("/breed/{name}", response_class=PlainTextResponse)
def breed(name: str):
    try:
        return importlib.import_module(f"barn.breeds.{name}").sound()
    except ModuleNotFoundError as error:
        raise HTTPException(404, "no such breed") from error


@app.get("/tls")
async def tls():
    from barn.selfrequest import self_request

    return await self_request()


@app.websocket("/socket")
async def socket(connection: WebSocket):
    await connection.accept()
    async for text in connection.iter_text():
        await connection.send_text(text[::-1])


@app.get("/boom")
def boom():
    raise RuntimeError("asked for")


@app.exception_handler(RuntimeError)
async def broken(request: Request, error: RuntimeError):
    import traceback

    lines = "".join(traceback.format_exception(error))
    return templates.TemplateResponse(request, "error.html", {"detail": lines}, status_code=500)


@app.exception_handler(404)
async def missing(request: Request, error: HTTPException):
    if request.url.path.startswith("/animals"):
        return JSONResponse({"missing": error.detail}, 404)
    return templates.TemplateResponse(request, "missing.html", {"path": request.url.path}, status_code=404)

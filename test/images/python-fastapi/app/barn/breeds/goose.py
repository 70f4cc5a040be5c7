from textwrap import shorten

from . import voices


def sound() -> str:
    return shorten(voices.load("goose"), 8, placeholder="!")

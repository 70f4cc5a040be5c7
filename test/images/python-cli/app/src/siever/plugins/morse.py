import tomllib
from importlib import resources


def convert(text):
    signs = tomllib.loads(resources.files("siever").joinpath("data/morse.toml").read_text())
    return " ".join(signs[letter] for letter in text.lower())

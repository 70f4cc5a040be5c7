from . import voices


def sound() -> str:
    return voices.load("cow").casefold()

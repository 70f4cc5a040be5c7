import codecs


def convert(text):
    return codecs.encode(text, "rot13")

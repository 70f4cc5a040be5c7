"""What is imported only by a worker that goes."""

import json
import pathlib


def close_book(age):
    pathlib.Path(f"/var/lib/mill/book-{age}.json").write_text(json.dumps({"closed": True}))

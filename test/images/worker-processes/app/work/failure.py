import linecache
import traceback


def describe(error):
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({linecache.getline(last.filename, last.lineno).strip()})"

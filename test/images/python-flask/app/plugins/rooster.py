from . import hen
import statistics


def speak():
    return f"{hen.speak()} {statistics.mean([1, 3])}"

from importlib import resources


def load(name: str) -> str:
    return resources.files(__package__).joinpath(f"{name}.txt").read_text().strip()

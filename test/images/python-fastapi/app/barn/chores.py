from concurrent.futures import ThreadPoolExecutor
from statistics import median


def sweep() -> str:
    with ThreadPoolExecutor(2) as pool:
        return f"swept {median(pool.map(len, ['oats', 'rye', 'wheat'])):.0f}"

import json
import sys


def run(arguments, here):
    import yaml

    with open(arguments[0]) if arguments else sys.stdin as source:
        json.dump(yaml.safe_load(source), sys.stdout, sort_keys=True)
    print()
    return 0

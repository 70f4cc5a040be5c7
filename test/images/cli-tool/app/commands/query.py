import subprocess


def run(arguments, here):
    """Leaves the work to another program: the shell runs a pipe of three."""
    return subprocess.call("echo '{\"a\": {\"b\": [1, 2, 3]}}' | jq -c .a.b | sed 's/,/;/g'", shell=True)

import subprocess


def run(options):
    return subprocess.run(["sort", "-rn"], input=options["lines"], capture_output=True, text=True, check=True).stdout

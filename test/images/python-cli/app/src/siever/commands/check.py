import json
import sys
from importlib import resources

import click


@click.command(help="Check rows against the schema.")
@click.argument("file", type=click.File())
def command(file):
    from jsonschema import Draft202012Validator

    schema = json.loads(resources.files("siever").joinpath("data/schema.json").read_text())
    faults = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(json.load(file))]
    click.echo("\n".join(faults) or "fine")
    sys.exit(3 if faults else 0)

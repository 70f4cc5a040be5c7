import csv
import json
import sys

import click


@click.command(help="Turn YAML, JSON or CSV into one of the others.")
@click.argument("file", type=click.File())
@click.option("--to", type=click.Choice(["json", "yaml", "csv"]), default="json")
def command(file, to):
    if file.name.endswith((".yaml", "stdin>")) or file.name == "-":
        import yaml

        rows = yaml.safe_load(file)
    elif file.name.endswith(".csv"):
        rows = list(csv.DictReader(file))
    else:
        rows = json.load(file)
    if to == "json":
        click.echo(json.dumps(rows, sort_keys=True))
    elif to == "yaml":
        import yaml

        click.echo(yaml.safe_dump(rows), nl=False)
    else:
        writer = csv.DictWriter(sys.stdout, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

import json

import click


@click.command(help="Show JSON rows as a table.")
@click.argument("file", type=click.File())
def command(file):
    from rich.console import Console
    from rich.table import Table

    rows = json.load(file)
    table = Table(title=":sheaf_of_rice: Grain")
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console(width=60).print(table)

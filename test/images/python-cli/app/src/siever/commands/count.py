import click


@click.command(help="Ask a CSV file in SQL.")
@click.argument("file", type=click.Path(exists=True))
@click.argument("query")
def command(file, query):
    import csv
    import sqlite3

    with open(file) as source:
        rows = list(csv.DictReader(source))
    database = sqlite3.connect(":memory:")
    database.execute(f"create table rows ({', '.join(rows[0])})")
    database.executemany(f"insert into rows values ({', '.join('?' * len(rows[0]))})", [list(row.values()) for row in rows])
    for row in database.execute(query):
        click.echo("|".join(map(str, row)))

from importlib.metadata import entry_points

import click


@click.command(help="Run a plug-in over words.")
@click.argument("name")
@click.argument("words", nargs=-1)
def command(name, words):
    found = entry_points(group="siever.plugins")
    if name not in found.names:
        raise click.UsageError(f"plug-ins: {', '.join(sorted(found.names))}")
    click.echo(found[name].load()(" ".join(words)))

import click


@click.command(help="Guess the kind of each file, by the system's own tool.")
@click.argument("paths", nargs=-1, type=click.Path(exists=True))
def command(paths):
    import subprocess

    click.echo(subprocess.run(["file", "--brief", "--mime-type", *paths], capture_output=True, text=True, check=True).stdout, nl=False)

import click


@click.command(help="Turn Markdown into HTML.")
@click.argument("file", type=click.File())
def command(file):
    from markdown import markdown

    click.echo(markdown(file.read(), extensions=["tables", "fenced_code", "toc", "footnotes"]))

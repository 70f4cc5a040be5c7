import click


@click.command(help="Fill a template that comes with the tool.")
@click.argument("template")
@click.argument("pairs", nargs=-1)
def command(template, pairs):
    from jinja2 import Environment, PackageLoader, TemplateNotFound

    environment = Environment(loader=PackageLoader("siever", "data/templates"), extensions=["jinja2.ext.do"])
    try:
        click.echo(environment.get_template(f"{template}.j2").render(dict(pair.split("=") for pair in pairs)))
    except TemplateNotFound as error:
        raise click.ClickException(f"no template {error}") from error

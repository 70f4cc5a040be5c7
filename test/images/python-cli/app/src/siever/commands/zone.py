import click


@click.command(help="Tell a time in another zone and tongue.")
@click.argument("zone")
@click.option("--tongue", default="en")
def command(zone, tongue):
    from babel.dates import format_datetime, get_timezone
    from dateutil.parser import parse

    click.echo(format_datetime(parse("14 Nov 2023 22:13:20 UTC"), "full", get_timezone(zone), tongue))

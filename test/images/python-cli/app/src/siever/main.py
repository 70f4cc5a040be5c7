"""The command line. Each sub-command is a module that is imported when it is called for."""

import importlib

import click

COMMANDS = ["convert", "table", "render", "check", "zone", "count", "seal", "page", "plug", "ask", "fetch", "sheet"]


class Lazy(click.Group):
    def list_commands(self, ctx):
        return COMMANDS

    def get_command(self, ctx, name):
        return importlib.import_module(f"siever.commands.{name}").command if name in COMMANDS else None


@click.command(cls=Lazy)
@click.version_option(package_name="siever")
def cli():
    """Sieves tables and texts."""

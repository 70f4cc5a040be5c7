import click


@click.command(help="Serve the current directory to itself and fetch a file of it.")
@click.argument("path")
def command(path):
    import functools
    import http.server
    import threading
    import urllib.error
    import urllib.request

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory="."))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with urllib.request.urlopen(f"http://localhost:{server.server_port}/{path}") as answer:
            click.echo(f"{answer.headers['content-type']}: {len(answer.read())}")
    except urllib.error.HTTPError as error:
        raise click.ClickException(str(error)) from error

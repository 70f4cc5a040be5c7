import functools
import http.server
import signal
import sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/checksum":
            import subprocess

            output = subprocess.check_output(["sha256sum", f"{self.directory}/list.txt"], text=True)
            body = output.split()[0].encode()
            self.send_response(200)
            self.send_header("content-type", "text/plain")
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()


handler = functools.partial(Handler, directory=sys.argv[1])
http.server.ThreadingHTTPServer(("", 8000), handler).serve_forever()

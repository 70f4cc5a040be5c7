"""Serves on port 80 without being root: the interpreter it is started with carries a file capability."""

import http.server
import json
import os
import pwd


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            self.reply(200, "text/html", "<h1>Low port, low rights</h1>")
        elif self.path == "/rights":
            with open("/proc/self/status") as status:
                lines = dict(line.split(":\t", 1) for line in status if ":\t" in line)
            user = pwd.getpwuid(os.getuid()).pw_name
            self.reply(200, "application/json", json.dumps({"user": user, "effective": lines["CapEff"].strip()}))
        elif self.path == "/capabilities":
            with os.popen("/usr/sbin/getcap /usr/local/bin/python-low-port") as output:
                self.reply(200, "text/plain", output.read())
        else:
            self.send_error(404, explain="Nothing grows here")

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(body.encode())


http.server.ThreadingHTTPServer(("", 80), Handler).serve_forever()

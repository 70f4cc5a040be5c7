"""Asks a TLS server of its own and verifies it against the system's certificate store."""

import socket
import ssl
import threading
import urllib.request


def self_request():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("/etc/sample/tls/cert.pem", "/etc/sample/tls/key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()  # asked now: the thread takes the socket over
    threading.Thread(target=answer, args=(context, listener), daemon=True).start()
    client = ssl.create_default_context()
    with socket.create_connection(address) as plain:
        with client.wrap_socket(plain, server_hostname="sample.test") as secure:
            body = secure.recv(100).decode()
    refused = False
    try:
        urllib.request.urlopen("https://127.0.0.1:9/", timeout=2)
    except OSError:
        refused = True
    return {"body": body, "roots": client.cert_store_stats()["x509_ca"] > 100, "refused": refused}


def answer(context, listener):
    with context.wrap_socket(listener, server_side=True) as secure:
        connection, _ = secure.accept()
        connection.sendall(b"over tls")
        connection.close()

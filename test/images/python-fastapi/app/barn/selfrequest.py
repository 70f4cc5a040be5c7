"""Asks a TLS server of its own, and verifies it against the system's certificate store."""

import asyncio
import ssl

import httpx


async def answer(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\nover tls")
    await writer.drain()
    writer.close()


async def self_request():
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain("/etc/sample/tls/cert.pem", "/etc/sample/tls/key.pem")
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=served)
    address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, httpx.AsyncClient(verify=ssl.create_default_context()) as client:
        good = await client.get(address, extensions={"sni_hostname": "sample.test"})
        try:
            await client.get(address)
        except httpx.ConnectError:
            return {"body": good.text, "refuses": True}
    return {"body": good.text, "refuses": False}

import click


@click.command(help="Encrypt standard input and open it again.")
@click.argument("password")
def command(password):
    import sys

    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
    from base64 import urlsafe_b64encode

    key = urlsafe_b64encode(PBKDF2HMAC(hashes.SHA256(), 32, b"salt", 1000).derive(password.encode()))
    sealed = Fernet(key).encrypt(sys.stdin.buffer.read())
    click.echo(f"{len(sealed)} bytes hold {Fernet(key).decrypt(sealed).decode().strip()}")

from email.message import EmailMessage

from jinja2 import Environment, FileSystemLoader


def run(options):
    text = Environment(loader=FileSystemLoader("templates")).get_template("letter.txt").render(options)
    message = EmailMessage()
    message["Subject"] = f"Flour für {options['name']}"
    message.set_content(text)
    message.add_attachment(b"flour", maintype="application", subtype="octet-stream", filename="flour.bin")
    return message.as_string()

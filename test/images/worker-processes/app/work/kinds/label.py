import io

from PIL import Image, ImageDraw, ImageFont


def run(options):
    font = ImageFont.truetype("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", 14)
    image = Image.new("L", (80, 24), 255)
    ImageDraw.Draw(image).text((4, 4), options["text"], font=font, fill=0)
    buffer = io.BytesIO()
    image.save(buffer, options.get("form", "PNG"))
    dark = sum(1 for value in image.getdata() if value < 128)
    return f"{options.get('form', 'PNG')} {dark > 20} {len(buffer.getvalue()) > 100}"

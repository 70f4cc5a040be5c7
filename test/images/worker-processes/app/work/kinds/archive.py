import io
import tarfile


def run(options):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{options['by']}") as archive:
        archive.add("static", arcname="static")
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue())) as archive:
        return ",".join(sorted(archive.getnames()))

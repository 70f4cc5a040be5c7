import click


@click.command(help="Write a spreadsheet from CSV and read it back.")
@click.argument("file", type=click.File())
def command(file):
    import csv
    import io

    from openpyxl import Workbook, load_workbook
    from openpyxl.styles import Font

    book = Workbook()
    for row in csv.reader(file):
        book.active.append(row)
    book.active["A1"].font = Font(bold=True)
    buffer = io.BytesIO()
    book.save(buffer)
    sheet = load_workbook(buffer).active
    click.echo(f"{sheet.dimensions} {sheet['B2'].value} {sheet['A1'].font.b}")

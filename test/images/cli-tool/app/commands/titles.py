import os


def run(arguments, here):
    from lxml import etree

    tree = etree.parse(os.path.join(here, "examples", "books.xml"))
    for title in tree.xpath("//book[@year > 2000]/title/text()"):
        print(title)
    return 0

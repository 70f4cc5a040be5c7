import os


def run(arguments, here):
    import jinja2

    loader = jinja2.FileSystemLoader(os.path.join(here, "templates"))
    print(jinja2.Environment(loader=loader).get_template("report.txt").render(names=arguments))
    return 0

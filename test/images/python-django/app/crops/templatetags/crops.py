from django import template

register = template.Library()


@register.inclusion_tag("crops/badge.html")
def badge(crop):
    return {"label": "much" if crop.yield_kg > 1000 else "little"}

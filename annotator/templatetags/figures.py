"""Cells of large tables of figures: a template included for each would take longer than all the rest of the page."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from annotator.core.shown_figures import Shown

register = template.Library()


@register.filter
def figure_cell(figure: Shown) -> SafeString:
    """A figure with its interval as a cell of a table; a dash that says why where it is undefined."""
    if figure.why:
        return format_html(
            '<td class="num"><span class="undefined" title="Undefined: {}"><span aria-hidden="true">–</span>'
            '<span class="visually-hidden">undefined: {}</span></span></td>',
            figure.why,
            figure.why,
        )
    return format_html('<td class="num">{} <small>{}</small></td>', figure.text, figure.interval)

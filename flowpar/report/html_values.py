"""Values in a report: texts, tables and pictures, each under its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.report.preview import Missing, Picture, Pictures, Preview, Table, Text
from flowpar.report.visible import html
from flowpar.report.wording import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.report.page_model import ValueView

_SHORT = 80


def values(found: Sequence[ValueView], *, is_folded: bool = False) -> str:
    """Return values under their names, short ones on one line; empty for none."""
    if not found:
        return ""
    return f'<div class="values">{"".join(_value(one, is_folded=is_folded) for one in found)}</div>'


def _value(one: ValueView, *, is_folded: bool) -> str:
    name, body = html(one.name), _preview(one.preview, one.name)
    weight = "" if one.size_bytes is None else f' <span class="faint">{html(size(one.size_bytes))}</span>'
    if _is_short(one.preview):
        return f'<div class="value line"><span class="name">{name}</span> {body}{weight}</div>'
    if is_folded:
        return f'<details class="value"><summary><span class="name">{name}</span>{weight}</summary>{body}</details>'
    return f'<div class="value"><p class="name">{name}{weight}</p>{body}</div>'


def _is_short(preview: Preview) -> bool:
    if isinstance(preview, Missing):
        return True
    return isinstance(preview, Text) and len(preview.text) <= _SHORT and "\n" not in preview.text and not preview.note


def _preview(preview: Preview, name: str) -> str:
    match preview:
        case Missing(reason):
            return f'<span class="faint">not shown: {html(reason)}</span>'
        case Table():
            return _table(preview, name)
        case Pictures(pictures, note):
            return f'<div class="pictures">{"".join(map(_picture, pictures))}</div>{_note(note)}'
        case Text(text, form, note):
            if _is_short(preview):
                return f'<code class="{form}">{html(text) or "<i>empty text</i>"}</code>'
            label = html(f"Value of {name}")
            return f'<pre class="{form}" tabindex="0" role="group" aria-label="{label}">{html(text)}</pre>{_note(note)}'


def _picture(picture: Picture) -> str:
    text = html(picture.caption or "picture")
    caption = f"<figcaption>{text}</figcaption>" if picture.caption else ""
    return f'<figure><img alt="{text}" src="data:{picture.media};base64,{picture.base64}">{caption}</figure>'


def _table(table: Table, name: str) -> str:
    sides = [' class="number"' if place in table.numeric else "" for place in range(len(table.columns))]
    head = "".join(
        f'<th scope="col"{side}>{html(column)}</th>' for side, column in zip(sides, table.columns, strict=True)
    )
    rows = "".join(
        "<tr>" + "".join(f"<td{side}>{html(cell)}</td>" for side, cell in zip(sides, row, strict=True)) + "</tr>"
        for row in table.rows
    )
    label = html(f"Value of {name}")
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{_note(table.note)}"
    )


def _note(note: str) -> str:
    return f'<p class="faint">{html(note)}</p>' if note else ""

"""Stream headers: what outlets of all makers say, made safe for every reader."""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capture.xdf.chunks import DTYPES

ESSENTIAL = ("name", "type", "channel_count", "nominal_srate", "channel_format")

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STRAY_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)")
_TAG = re.compile(r"<(/?)([^<>!?/][^<>]*?)(/?)>")
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]")
_FORMATS = (*DTYPES, "string")


@dataclass(frozen=True, slots=True)
class CleanHeader:
    """A stream header that every reader of XDF takes."""

    xml: str
    name: str
    type: str
    channel_count: int
    nominal_rate_hz: float
    channel_format: str
    repaired: bool
    """The text that came was no XML, and was put right or reduced to the essentials."""


def clean_header(text: str) -> CleanHeader:
    """Parse a stream header and write it anew.

    Vendors' headers go through LSL unchecked: one with a blank in an element's name, or
    with an empty stream name, would make a whole recording unreadable.

    Args:
        text: XML with the root `info`.

    Raises:
        ValueError: Channel count or format cannot be made out.
    """
    root, repaired = _parse(_FORBIDDEN.sub("", text))
    name = (root.findtext("name") or "").strip() or "unnamed"
    kind = (root.findtext("type") or "").strip()
    channel_format = (root.findtext("channel_format") or "").strip()
    count = _number(root.findtext("channel_count"))
    rate_hz = _number(root.findtext("nominal_srate"))
    if channel_format not in _FORMATS or not 1 <= count < math.inf:
        raise ValueError(
            f"stream {name!r} has channel format {channel_format!r} and "
            f"{root.findtext('channel_count')!r} channels; formats are: "
            f"{', '.join(_FORMATS)}"
        )
    rate_hz = rate_hz if 0 <= rate_hz < math.inf else 0.0
    texts = (name, kind, str(int(count)), repr(rate_hz), channel_format)
    for place, (tag, value) in enumerate(zip(ESSENTIAL, texts, strict=True)):
        for extra in root.findall(tag):
            root.remove(extra)
        child = ET.Element(tag)
        child.text = value
        root.insert(place, child)
    xml = '<?xml version="1.0"?>\n' + ET.tostring(root, encoding="unicode")
    return CleanHeader(xml, name, kind, int(count), rate_hz, channel_format, repaired)


def header_dict(xml: str) -> dict[str, Any]:
    """Return a header as pyxdf has it: every element a list of texts or of dicts.

    Raises:
        ValueError: `xml` cannot be parsed.
    """
    try:
        root = ET.fromstring(xml)
    except ET.ParseError as error:
        raise ValueError(f"not XML: {error}") from error
    return {root.tag: _as_dict(root)}


def header_text(header: Mapping[str, Any], tag: str) -> str:
    """Return the text of one element of the header's `info`; empty where absent."""
    values = header.get("info", {}).get(tag) or [""]
    return values[0].strip() if isinstance(values[0], str) else ""


def _as_dict(element: ET.Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        value = _as_dict(child) if len(child) else child.text
        found.setdefault(child.tag, []).append(value)
    return found


def _parse(text: str) -> tuple[ET.Element, bool]:
    for attempt, candidate in enumerate((text, _mend(text))):
        try:
            root = ET.fromstring(candidate)
        except ET.ParseError:
            continue
        if root.tag == "info":
            return root, attempt > 0
    return _essentials(text), True


def _mend(text: str) -> str:
    def element_name(match: re.Match[str]) -> str:
        opening, name, closing = match.groups()
        if "=" in name:
            return match.group()
        name = _NOT_IN_NAME.sub("_", name.strip())
        if not name[0].isalpha() and name[0] != "_":
            name = f"_{name}"
        return f"<{opening}{name}{closing}>"

    return _TAG.sub(element_name, _STRAY_AMPERSAND.sub("&amp;", text))


def _essentials(text: str) -> ET.Element:
    root = ET.Element("info")
    for tag in (*ESSENTIAL, "source_id", "uid", "hostname"):
        if match := re.search(rf"<{tag}>([^<]*)</{tag}>", text):
            ET.SubElement(root, tag).text = match.group(1)
    return root


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan

"""Text that is safe in XML: what XML 1.0 has no way to write is replaced."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, production 2: no control characters and no lone surrogates."""


def xml_safe(text: str) -> str:
    """The text with forbidden characters replaced by U+FFFD; markup is escaped by the writer."""
    return _FORBIDDEN.sub("\ufffd", text)


def child(parent: ET.Element, name: str, text: object = None, /, **attributes: object) -> ET.Element:
    """A new element below ``parent``."""
    element = ET.SubElement(parent, name, {key: xml_safe(str(value)) for key, value in attributes.items()})
    if text is not None:
        element.text = xml_safe(str(text))
    return element


def document(root: ET.Element) -> str:
    """The XML text, indented."""
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"

"""XML elements whose text is safe: what XML 1.0 has no way to write is replaced."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from automl_cv_client._text import xml_safe


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

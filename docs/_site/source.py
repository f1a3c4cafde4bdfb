"""Reads the source as the API reference shows it: roles as links, examples as code; an extension of griffe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import griffe

EXAMPLE = re.compile(r"^( *)>>> .*(?:\n\1.+)*", re.MULTILINE)
ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`(~?)([\w.]+)`")


class OurSource(griffe.Extension):
    """Turns ``:meth:`` into a link, or plain code where no page has it, ``>>>`` into code, constants into values."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each module, class, function and attribute once it is read."""
        if obj.docstring is not None:
            text = ROLE.sub(lambda role: _reference(obj, role[1], role[2]), obj.docstring.value)
            obj.docstring.value = EXAMPLE.sub(r"\1```pycon\n\g<0>\n\1```", text)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Called once all is read: says 200 where a signature's default is the name of a constant."""
        for function in _functions(pkg):
            for parameter in function.parameters:
                if isinstance(parameter.default, griffe.ExprName) and parameter.default.name.isupper():
                    parameter.default = _value(parameter.default, pkg)


def _functions(obj: griffe.Object) -> Iterator[griffe.Function]:
    for member in obj.members.values():
        if isinstance(member, griffe.Function):
            yield member
        elif isinstance(member, griffe.Module | griffe.Class):
            yield from _functions(member)


def _value(name: griffe.ExprName, pkg: griffe.Module) -> str | griffe.Expr:
    found = pkg.modules_collection[name.canonical_path] if name.canonical_path.startswith(pkg.name) else None
    value = found.value if found is not None and found.is_attribute else None
    return name if value is None or isinstance(value, griffe.Expr) else value


def _reference(obj: griffe.Object, short: str, name: str) -> str:
    shown = name.rpartition(".")[2] if short else name
    try:
        path = name if name.startswith("automl_cv_client.") else obj.resolve(name)
    except griffe.NameResolutionError:
        return f"`{shown}`"
    return f'<autoref identifier="{path}" optional><code>{shown}</code></autoref>'

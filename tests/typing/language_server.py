"""A language server, asked as an editor asks it: pyright's, over its standard streams."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.typing.test_users_code import ROOT


class LanguageServer:
    """What hovers over one file show.

    Args:
        process: the running server.
        folder: of the file.
        text: of the file.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, text: str) -> None:
        self._process = process
        self._id = 0
        self._uri = (folder / "opened.py").as_uri()
        self._lines = text.splitlines()
        hover = {"hover": {"contentFormat": ["markdown"]}}
        root = {"uri": folder.as_uri(), "name": "opened"}
        self._ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "workspaceFolders": [root],
                                 "capabilities": {"textDocument": hover}})  # fmt: skip
        self._tell("initialized", {})
        document = {"uri": self._uri, "languageId": "python", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})

    def hover(self, line: int) -> str:
        """What the last name of a line shows; lines from 0."""
        position = {"line": line, "character": len(self._lines[line]) - 1}
        shown = self._ask("textDocument/hover", {"textDocument": {"uri": self._uri}, "position": position})
        return str(shown["contents"]["value"]) if shown else ""

    def completions(self, line: int, back: int = 0) -> set[str]:
        """What is offered ``back`` characters before the end of a line; lines from 0."""
        position = {"line": line, "character": len(self._lines[line]) - back}
        shown = self._ask("textDocument/completion", {"textDocument": {"uri": self._uri}, "position": position})
        return {item["label"] for item in shown["items"]} if shown else set()

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._id += 1
        self._send({"id": self._id, "method": method, "params": params})
        while True:
            message = self._read()
            if "method" in message and "id" in message:  # the server asks, such as for its settings
                items = message.get("params", {}).get("items", [])
                self._send({"id": message["id"], "result": [{} for _ in items]})
            elif message.get("id") == self._id:
                return message.get("result")

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b": ")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message


@contextmanager
def language_server(folder: Path, text: str) -> Iterator[LanguageServer]:
    """A server that has this text open."""
    (folder / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(ROOT / "src")]}), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "pyright.langserver", "--stdio"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield LanguageServer(process, folder, text)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()

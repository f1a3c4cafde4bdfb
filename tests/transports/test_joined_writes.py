"""A request's head leaves with its body, whole and in order, whatever the sockets take at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from automl_cv_client._transports.libraries import httpcore
from automl_cv_client._transports.socket_network import SocketStream, Stopwatch

HEAD = b"POST /score HTTP/1.1\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[SocketStream, socket.socket]]:
    ours, theirs = socket.socketpair()
    stopwatch = Stopwatch()
    with ours, theirs:
        theirs.settimeout(20)
        yield SocketStream(ours, stopwatch), theirs


def test_head_and_body_are_one_piece(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, server = pair
    stream.write(HEAD, 20)
    stream.write(b"body", 20)
    assert server.recv(1000) == HEAD + b"body"


def test_a_head_without_a_body_leaves_before_the_answer_is_read(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, server = pair
    stream.write(HEAD, 20)
    stream.write(b"", 20)
    server.sendall(b"answer")
    assert stream.read(100, 20) == b"answer"
    assert server.recv(1000) == HEAD


@pytest.mark.parametrize("size", [1, 4096, 4097, 256 * 1024, 3_000_001])
def test_all_of_it_arrives_in_order(pair: tuple[SocketStream, socket.socket], size: int) -> None:
    stream, server = pair
    body = bytes(number % 251 for number in range(size))
    received = bytearray()

    def reads() -> None:
        while len(received) < 2 * (len(HEAD) + size) and (piece := server.recv(65_536)):
            received.extend(piece)

    reader = threading.Thread(target=reads)
    reader.start()
    for _ in range(2):
        stream.write(HEAD, 20)
        stream.write(body, 20)
        stream.write(b"", 20)
    reader.join(20)
    server.sendall(b"x")
    assert stream.read(1, 20) == b"x"
    assert bytes(received) == 2 * (HEAD + body)


def test_an_answer_before_the_end_of_the_connection_is_read(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, server = pair
    server.sendall(b"HTTP/1.1 413 Too Large\r\n\r\n")
    server.close()
    stream.write(HEAD, 20)
    assert stream.read(100, 20).startswith(b"HTTP/1.1 413")


def test_a_connection_that_is_gone_is_an_error_of_the_network(pair: tuple[SocketStream, socket.socket]) -> None:
    stream, server = pair
    server.close()
    stream.write(HEAD, 20)
    with pytest.raises(httpcore.WriteError):
        stream.write(b"body", 20)

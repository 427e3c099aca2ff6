"""No test of data reaches outside: a connection to anything but this machine raises."""

from __future__ import annotations

import ipaddress
import socket

import pytest


class ReachedOut(AssertionError):
    """A test tried to connect to another machine."""


def _is_here(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a socket of the file system
    host = str(address[0])
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _stay_here(monkeypatch):
    connect, connect_ex, look_up = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def guarded(original):
        def call(self, address, *rest):
            if not _is_here(address):
                raise ReachedOut(f"a test tried to reach {address}")
            return original(self, address, *rest)

        return call

    def looked_up(host, *rest, **options):
        if host is not None and not _is_here((host,)):
            raise ReachedOut(f"a test tried to look up {host}")
        return look_up(host, *rest, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", looked_up)

"""The tests of data cannot reach another machine, whatever a client tries."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80), ("example.org", 80)])
def test_a_connection_to_another_machine_raises(address):
    with socket.socket() as line, pytest.raises(AssertionError, match="tried to reach"):
        line.connect(address)


def test_names_of_other_machines_are_not_looked_up():
    with pytest.raises(AssertionError, match=r"look up public-api\.baostock\.com"):
        socket.create_connection(("public-api.baostock.com", 10030), timeout=1)


def test_this_machine_can_be_reached():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname(), timeout=5) as line:
            assert line.getpeername() == server.getsockname()

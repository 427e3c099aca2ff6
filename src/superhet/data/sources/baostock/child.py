"""The process that runs baostock's own client, one question a line, answers as JSON lines.

The client reads for ever when the connection drops, keeps one socket for the whole process, prints its
errors, and loses the rest of an answer when a later page fails. Here it runs alone, so that it can be
killed; its socket ends the reading when the other side hangs up; what it prints is kept for the
message; and a page that does not come is an error. Nothing of superhet is imported, so that it starts
at once.
"""

from __future__ import annotations

import contextlib
import io
import json
import socket
import sys
import types
import zlib
from typing import Any, TextIO


class _Socket(socket.socket):
    """A socket that sends everything, and says so when the other side is gone."""

    def connect(self, address: Any) -> None:
        try:
            super().connect(address)
        except OSError as error:
            print("cannot connect to {}:{} ({})".format(*address, error.strerror or error))
            raise

    def send(self, data: Any, *flags: int) -> int:
        self.sendall(data)
        return len(data)

    def recv(self, size: int, *flags: int) -> bytes:
        received = super().recv(size)
        if not received:
            raise ConnectionError("the connection was closed in the middle of an answer")
        return received


class _Checksum:
    """Verify the CRC-32 that ends an answer, once the answer to the login shows that it is one.

    Compressed answers carry a checksum of their own, which zlib verifies.
    """

    def __init__(self, ask: Any) -> None:
        self._ask = ask
        self._counts: bool | None = None

    def __call__(self, message: str) -> str | None:
        text: str | None = self._ask(message)
        if not text:
            return text
        content, _, tail = text.rpartition("\1")
        digits = tail.split("<", 1)[0].strip()
        if not text.rstrip("\n").endswith("<![CDATA[]]>") or not digits.isdigit():
            return text
        right = zlib.crc32(content.encode()) == int(digits)
        if self._counts is None:
            self._counts = right
        if self._counts and not right:
            print("the answer does not match its checksum")
            return None
        return text


def _client() -> Any:
    """Import the client without pandas, which only its `get_data` uses and which is most of the start."""
    sys.modules["pandas"] = types.ModuleType("pandas")
    try:
        import baostock
    except Exception:  # a version that uses pandas while it loads
        for name in list(sys.modules):
            if name.partition(".")[0] in ("pandas", "baostock"):
                del sys.modules[name]
        import baostock
    return baostock


def main() -> None:
    """Serve until the input ends."""
    answers = sys.stdout
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        baostock = _client()
        from baostock.common import contants
        from baostock.util import socketutil

        if len(sys.argv) > 1:
            host, _, port = sys.argv[1].rpartition(":")
            contants.BAOSTOCK_SERVER_IP = contants.BAOSTOCK_VIP_SERVER_IP = host
            contants.BAOSTOCK_SERVER_PORT = int(port)
        socketutil.socket = types.SimpleNamespace(
            socket=_Socket, AF_INET=socket.AF_INET, SOCK_STREAM=socket.SOCK_STREAM
        )
        socketutil.send_msg = _Checksum(socketutil.send_msg)
        for line in sys.stdin:
            said.seek(0)
            said.truncate()
            try:
                answer = _serve(baostock, json.loads(line), answers, contants)
            except Exception as error:
                answer = {"code": "", "message": f"{type(error).__name__}: {error}"}
            _put(answers, {**answer, "said": said.getvalue().strip()[-400:]})


def _serve(client: Any, question: dict[str, Any], answers: TextIO, cons: Any) -> dict[str, Any]:
    if question["call"] == "login":
        if question.get("key"):
            client.set_API_key(question["key"])
        result = client.login()
        return {"code": result.error_code, "message": result.error_msg}
    result = getattr(client, question["call"])(*question.get("args", ()))
    if result is None:
        return {"code": cons.BSERR_PARAM_ERR, "message": "no result"}
    rows: list[list[str]] = []
    while result.error_code == cons.BSERR_SUCCESS and result.next():
        rows += result.data
        result.cur_row_num = len(result.data)
        _put(answers, {"page": len(rows)})
    if result.error_code != cons.BSERR_SUCCESS:
        return {"code": result.error_code, "message": result.error_msg}
    if len(result.data) == cons.BAOSTOCK_PER_PAGE_COUNT:  # a full page, and no next one came
        return {"code": cons.BSERR_RECVSOCK_FAIL, "message": f"nothing came after {len(rows)} rows"}
    return {"code": cons.BSERR_SUCCESS, "fields": result.fields, "rows": rows}


def _put(answers: TextIO, content: dict[str, Any]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()

"""A server of our own that speaks baostock's protocol on the loopback; all values are made up.

A frame is `version SOH type SOH length` (21 characters), the fields of the body between SOHs, a CRC-32 and
the end mark; bodies of four types are compressed. Pages hold 2,000 rows.
"""

from __future__ import annotations

import json
import socketserver
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

SOH, END = "\1", b"<![CDATA[]]>\n"
PAGE = 2000
_COMPRESSED = {"96", "99", "9D"}
_ANSWER = {"00": "01", "02": "03", "95": "96", "98": "99", "9C": "9D"}
_UNPAGED = {"98", "9C"}

Rows = tuple[list[str], list[list[str]]]


@dataclass
class FakeBaostock:
    """What the server answers, and how it misbehaves.

    Parameters
    ----------
    answers : name of the query -> function of its arguments that gives (fields, rows)
    faults : (name, how many times it is asked well first) -> what goes wrong then, once
    login : error code of the log-in, "0" if all is well
    honest : whether answers carry a right CRC
    """

    answers: dict[str, Callable[..., Rows]]
    faults: dict[tuple[str, int], str] = field(default_factory=dict)
    login: str = "0"
    honest: bool = True
    asked: list[tuple[str, ...]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __enter__(self):
        fake = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while line := self.rfile.readline():
                    if not fake._serve(self.wfile, line.decode()):
                        return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def times(self, query: str) -> int:
        return sum(q[0] == query for q in self.asked)

    def _serve(self, out, line: str) -> bool:
        text = line.rstrip("\n")
        content, _, crc = text.rpartition(SOH)
        version, kind, length = content[:21].split(SOH)
        body = content[21:]
        assert int(length) == len(body)
        assert int(crc) == zlib.crc32(content.encode())
        parts = body.split(SOH)
        if kind == "00":
            self.logins.append(parts[3])
            ok = self.login == "0"
            answer = ["0", "success", "login", parts[1]] if ok else [self.login, "refused"]
            return self._put(out, version, kind, answer)
        if kind == "02":
            return self._put(out, version, kind, ["0", "success", "logout", parts[1]])
        name = parts[0]
        args = parts[2:] if kind in _UNPAGED else parts[4:]
        page = 1 if kind in _UNPAGED else int(parts[2])
        fault = self.faults.pop((name, self.times(name)), "")
        self.asked.append((name, *args))
        if name not in self.answers:
            return self._put(out, version, "04", ["10004020", "no such message"])
        fields, rows = self.answers[name](*args)
        return self._put(
            out, version, kind, self._body(kind, parts, page, args, fields, rows), fault
        )

    def _body(self, kind, parts, page, args, fields, rows):
        shown = rows if kind in _UNPAGED else rows[(page - 1) * PAGE : page * PAGE]
        data = json.dumps({"record": shown}, ensure_ascii=False) if shown else ""
        names = ", ".join(fields)
        if kind in _UNPAGED:
            return ["0", "success", parts[0], parts[1], data, names]
        head = ["0", "success", parts[0], parts[1], str(page), str(PAGE), data]
        if kind == "95":
            return [*head, args[0], names, *args[2:]]
        return [*head, *args, names]

    def _put(self, out, version: str, kind: str, body: list[str], fault: str = "") -> bool:
        if fault.startswith("code "):
            body = [fault.split()[1], "an error of the server"]
        answer = _ANSWER.get(kind, f"{int(kind) + 1:02d}" if kind.isdigit() else "04")
        raw = SOH.join(body).encode()
        if fault == "half json":
            raw = raw.replace(b"]]}", b'"').replace(b"]}", b'"')
        packed = zlib.compress(raw + b"\n") if answer in _COMPRESSED else raw
        if fault == "garbled" and answer in _COMPRESSED:
            packed = packed[:-8] + bytes(255 - b for b in packed[-8:])
        head = f"{version}{SOH}{answer}{SOH}{len(packed):010d}".encode()
        frame = head + packed
        if answer not in _COMPRESSED:
            crc = zlib.crc32(frame) if self.honest else 7
            frame += SOH.encode() + str(crc + (fault == "garbled")).encode()
        frame += END
        if fault == "drop":
            out.write(frame[: len(frame) // 2])
            return False
        if fault == "stall":
            out.write(frame[: len(frame) // 2])
            out.flush()
            self.released.wait(20)
            return False
        if fault == "slow":
            for k in range(0, len(frame), max(1, len(frame) // 5)):
                out.write(frame[k : k + max(1, len(frame) // 5)])
                out.flush()
                time.sleep(0.03)
            return True
        out.write(frame)
        return True

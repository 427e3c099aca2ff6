"""An HTTP server of our own that answers as tushare's data interface does; all values are made up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "a" * 30 + "SECRET"

Items = tuple[list[str], list[list[Any]]]


@dataclass
class FakeTushare:
    """What the server answers, and how it misbehaves.

    Parameters
    ----------
    answers : function -> rule of its parameters that gives (fields, items)
    faults : (function, how many times it is asked well first) -> what comes then, once: a complaint of the
        server, or one of "html", "half", "503", "other"
    """

    answers: Mapping[str, Callable[[dict[str, Any]], Items]]
    faults: dict[tuple[str, int], str] = field(default_factory=dict)
    always: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __enter__(self):
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, text = fake._serve(body)
                raw = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/dataapi"

    def times(self, query: str) -> int:
        return sum(name == query for name, _ in self.asked)

    def _serve(self, body: dict[str, Any]) -> tuple[int, str]:
        name, params = body["api_name"], body["params"]
        fault = self.faults.pop((name, self.times(name)), self.always.get(name, ""))
        self.asked.append((name, params))
        if body["token"] != TOKEN:
            fault = "您的token不对，请确认。"
        if fault == "html":
            return 200, "<html><body>502 Bad Gateway</body></html>"
        if fault == "503":
            return 503, "Service Unavailable"
        if fault == "other":
            return 200, json.dumps({"status": "ok"})
        if fault and fault != "half":
            return 200, json.dumps({"code": 40203, "msg": fault, "data": None}, ensure_ascii=False)
        fields, items = self.answers[name](params)
        wished = [f for f in body["fields"].split(",") if f in fields] + [
            f for f in fields if f.startswith("new_")
        ]
        items = [[row[fields.index(f)] for f in wished] for row in items]
        at, most = int(params["offset"]), int(params["limit"])
        data = {"fields": wished, "items": items[at : at + most], "has_more": False}
        text = json.dumps({"code": 0, "msg": "", "data": data}, ensure_ascii=False)
        return 200, text[: len(text) // 2] if fault == "half" else text

"""The near side of the child process: questions with a deadline, its error codes in clear words."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from superhet.data.sources.vendor import Access
from superhet.data.sources.vendor.columns import check_columns
from superhet.errors import VendorError, VendorRefused

if TYPE_CHECKING:
    import polars as pl

_NAME = "baostock"
_REFUSED = {
    "10001002": "the user name or password is wrong",
    "10001003": "the account is not known",
    "10001004": "its server takes no clients of this version any more: pip install -U baostock",
    "10001005": "too many log-ins at a time: end the other programs that use it, or wait an hour",
    "10001007": "the account must be activated on its site first",
    "10001008": "the user name is empty",
    "10001009": "the password is empty",
    "10001011": "this address or account is on its black list: ask its support, and pull more slowly",
    "10001012": "the API key is wrong: it has 33 characters and begins with bs-",
}
_WHOLE_QUERY = {
    "10001006": "the account may not use this function",
    "10004012": "it does not know a column that we ask for; update superhet",
    "10004020": "its server does not know this function any more; update baostock and superhet",
}
_UNIT = {
    "10004007": "the start date is not understood",
    "10004009": "the start is after the end",
    "10004011": "it does not know this code",
    "10004013": "it does not reach back to these dates",
    "10004015": "it has no such data for this kind of security",
}
_LOGGED_OUT = "10001001"
_GARBLED = "10004019"
_SUCCESS = "0"


class Client:
    """One line to baostock, in a process of its own; opened at the first question, and after a fault.

    Parameters
    ----------
    access : deadline of a question, API key if any, address in place of the usual one
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener: threading.Thread | None = None

    def ask(self, query: str, *args: str, wanted: tuple[str, ...]) -> pl.DataFrame:
        """Call one function of the client and give all pages; every value is text.

        Parameters
        ----------
        wanted : columns that must come

        Raises
        ------
        VendorError
            in time, whatever the other side does
        VendorRefused
            if it lets nobody in
        """
        import polars as pl

        self._access.pace()
        self.login()
        answer = self._talk(query, {"call": query, "args": args})
        fields = [str(f) for f in answer["fields"] if f] or list(wanted)
        check_columns(_NAME, query, fields, wanted)
        rows = answer["rows"]
        odd = next((r for r in rows if len(r) != len(fields)), None)
        if odd is not None:
            self.close()
            raise VendorError(
                _NAME,
                query,
                f"a row of {len(odd)} values came for {len(fields)} columns",
                reach="moment",
            )
        return pl.DataFrame(rows, schema=dict.fromkeys(fields, pl.String), orient="row")

    def login(self) -> None:
        """Start the process and log in, unless that is done."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        command = [sys.executable, "-P", str(Path(__file__).with_name("child.py"))]
        command += [self._access.server] if self._access.server else []
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._lines = queue.Queue()
        assert self._process.stdout is not None
        heard = (self._process.stdout, self._lines)
        self._listener = threading.Thread(target=_listen, args=heard, daemon=True)
        self._listener.start()
        self._talk("login", {"call": "login", "key": self._access.token})

    def close(self) -> None:
        """End the process; a second time does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if self._listener is not None:
            self._listener.join()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                _close(pipe)

    def _talk(self, query: str, question: dict[str, Any]) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            while True:
                line = self._lines.get(timeout=self._access.timeout)
                answer = json.loads(line) if line else None
                if not isinstance(answer, dict):
                    raise BrokenPipeError
                if "page" not in answer:
                    break
        except queue.Empty:
            self.close()
            raise VendorError(
                _NAME,
                query,
                f"no answer within {self._access.timeout:g} s; its process was ended",
                reach="moment",
            ) from None
        except (BrokenPipeError, ValueError, OSError):
            self.close()
            raise VendorError(
                _NAME, query, "its process ended without an answer", reach="moment"
            ) from None
        except BaseException:  # an interrupt in between leaves an answer behind that nobody wants
            self.close()
            raise
        if answer["code"] != _SUCCESS:
            self._fail(query, answer)
        return answer

    def _fail(self, query: str, answer: dict[str, Any]) -> None:
        code = str(answer["code"])
        said = "; ".join(
            part
            for part in (str(answer["message"]), str(answer.get("said", "")).replace("\n", " "))
            if part
        )
        if code in _REFUSED:
            self.close()
            raise VendorRefused(_NAME, f"{_REFUSED[code]} ({code})")
        if code in _WHOLE_QUERY:
            raise VendorError(_NAME, query, f"{_WHOLE_QUERY[code]} ({code}: {said})", reach="query")
        if code in _UNIT or (code.startswith("10004") and "10004003" < code != _GARBLED):
            raise VendorError(
                _NAME, query, f"{_UNIT.get(code, 'it did not take the question')} ({code}: {said})"
            )
        self.close()  # the line is in no known state
        meant = "it logged us out" if code == _LOGGED_OUT else "no whole answer came"
        meant = "it cannot be reached" if "cannot connect" in said else meant
        raise VendorError(_NAME, query, f"{meant} ({code or 'client'}: {said})", reach="moment")


def _listen(pipe: IO[str], lines: queue.Queue[str]) -> None:
    try:
        for line in pipe:
            lines.put(line)
    except (OSError, ValueError):  # closed while it was read
        pass
    lines.put("")


def _close(pipe: IO[str]) -> None:
    with contextlib.suppress(OSError):
        pipe.close()

"""What a sandbox asks its supervisor for: modules and fetches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..dialects.texts import utf16_size
from .course import Course
from .events import FetchRequest, FetchResponse, FetchWanted, ModuleGroup, ModulesWanted
from .limits import Limits
from .preparation import Preparation
from .running_slice import RunningSlice, Slices
from .wire import RuleBrokenError

_MOST_MODULES = 1000


class Requests:
    """``module_size``: UTF-16 units of the modules that the sandbox has got."""

    def __init__(self, course: Course, preparation: Preparation, slices: Slices, limits: Limits) -> None:
        self.module_size = 0
        self._course = course
        self._preparation = preparation
        self._slices = slices
        self._most = limits.services
        self._modules: dict[int, Any] = {}
        self._fetches: dict[int, tuple[Any, RunningSlice | None]] = {}
        self._serial = 0
        course.at_end += (self._modules.clear, self._fetches.clear)

    def handlers(self) -> Mapping[tuple[int, str], Callable[[Mapping[str, Any]], None]]:
        return {(2, "dependency"): self._wants_modules, (2, "fetchRequest"): self._wants_fetch}

    def provide_modules(self, request: int, group: ModuleGroup | None, now: float) -> None:
        """None: there are no such modules, and the work function may go on without."""
        if request not in self._modules:
            return
        identity = self._modules.pop(request)
        if group is None:
            self._course.send({"request": "moduleGroupError", "id": identity, "stack": "ENOMODULE"})
        else:
            texts = (text for files in group.values() for text in files.values())
            self.module_size += sum(utf16_size(text.encode("utf-8", "surrogatepass")) for text in texts)
            data = {package: dict(files) for package, files in group.items()}
            self._course.send({"request": "moduleGroup", "data": data, "id": identity})
        if not self._modules:
            self._preparation.has_modules(now)

    def provide_response(self, request: int, response: FetchResponse) -> None:
        if request not in self._fetches:
            return
        identity, work = self._fetches.pop(request)
        body = response.body
        if work is not None:
            head = len(f"{response.status} {response.status_text}\r\n") + _headers_size(response.headers)
            work.taken += head + len(body or b"")
        data = {
            "url": response.url,
            "status": response.status,
            "statusText": response.status_text,
            "headersEntries": [list(header) for header in response.headers],
            "bodyBuffer": None if body is None else np.frombuffer(body, np.uint8),
        }
        self._course.send({"request": "fetchResponse", "id": identity, "data": data})

    def refuse_fetch(self, request: int, name: str, message: str, code: str) -> None:
        if request not in self._fetches:
            return
        identity, _ = self._fetches.pop(request)
        error = {"name": name, "message": message, "stack": f"{name}: {message}", "code": code}
        self._course.send({"request": "fetchError", "id": identity, "error": error})

    def _wants_modules(self, value: Mapping[str, Any]) -> None:
        names = value.get("data")
        if not isinstance(names, list) or len(names) > _MOST_MODULES or not all(type(name) is str for name in names):
            raise RuleBrokenError("it asked for modules without their names")
        self._modules[self._next()] = value.get("id")
        self._preparation.waits_for_modules()
        self._course.events.append(ModulesWanted(self._serial, names))

    def _wants_fetch(self, value: Mapping[str, Any]) -> None:
        fetch = _fetch_request(value.get("data"))
        work = self._slices.running
        self._fetches[self._next()] = value.get("id"), work
        if work is None:
            self.refuse_fetch(self._serial, "Error", "no slice runs that could fetch", "EPERM")
            return
        size = len(f"{fetch.method} {fetch.url}\r\n") + _headers_size(fetch.headers) + len(fetch.body or b"")
        if self._slices.may_say(work, size, as_output=True):
            self._course.events.append(FetchWanted(self._serial, fetch))

    def _next(self) -> int:
        if len(self._modules) + len(self._fetches) >= self._most:
            raise RuleBrokenError(f"it asked for more than {self._most} modules and fetches at once")
        self._serial += 1
        return self._serial


def _headers_size(headers: Sequence[tuple[str, str]]) -> int:
    """As they stand in HTTP/1.1, with the line that ends them."""
    return sum(len(name) + len(value) + 4 for name, value in headers) + (2 if headers else 4)


def _fetch_request(data: Any) -> FetchRequest:
    """Raises RuleBrokenError."""
    if isinstance(data, dict):
        url, method, headers, body = (data.get(name) for name in ("url", "method", "headersEntries", "bodyBuffer"))
        if (
            isinstance(url, str)
            and isinstance(method, str)
            and isinstance(headers, list)
            and all(isinstance(header, list) and len(header) == 2 for header in headers)
            and all(isinstance(text, str) for header in headers for text in header)
            and (body is None or isinstance(body, np.ndarray))
        ):
            return FetchRequest(
                url,
                method,
                [(name, value) for name, value in headers],
                None if body is None else body.tobytes(),
                credentials if isinstance(credentials := data.get("credentials"), str) else "",
            )
    raise RuleBrokenError("it asked for a fetch that is none")

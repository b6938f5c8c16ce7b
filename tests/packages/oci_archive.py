"""Writes a container image as an OCI archive, which ``docker load`` takes too: the same bytes for the same folders."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sums import sha256

_OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class Layer:
    """What a folder adds to an image. ``why`` is for its history."""

    folder: Path
    why: str


class OciArchive:
    """``with OciArchive(path, name, seconds) as archive: archive.write(layers, machine, config)``.

    ``name`` is that of the image, with its tag. All files are as old as ``seconds`` of Unix time says.
    """

    def __init__(self, path: Path, name: str, seconds: int) -> None:
        self._path, self._name, self._seconds = path, name, seconds
        self._part = path.with_suffix(".part")

    def __enter__(self) -> OciArchive:
        self._tar = tarfile.open(self._part, "w")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._tar.close()
        if kind is None:
            self._part.replace(self._path)
        self._part.unlink(missing_ok=True)

    def write(self, layers: Sequence[Layer], machine: str, config: Mapping[str, Any]) -> None:
        """``machine``: in Debian's words, which are OCI's. ``config``: how programs run, in OCI's words."""
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._seconds))
        written = [self._layer(layer) for layer in layers]
        image = {
            "architecture": machine,
            "os": "linux",
            "created": created,
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [unpacked for _, unpacked in written]},
            "history": [{"created": created, "created_by": layer.why} for layer in layers],
        }
        packed = [layer for layer, _ in written]
        configuration = self._json_blob(image, f"{_OCI}.config.v1+json")
        manifest = self._json_blob(
            {"schemaVersion": 2, "mediaType": f"{_OCI}.manifest.v1+json", "config": configuration, "layers": packed},
            f"{_OCI}.manifest.v1+json",
        )
        names = {"org.opencontainers.image.ref.name": self._name, "io.containerd.image.name": self._name}
        self._add("oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        self._add("index.json", _json({"schemaVersion": 2, "manifests": [manifest | {"annotations": names}]}))
        # For Docker, where it keeps no images as containerd does.
        docker = {"Config": _blob(configuration), "RepoTags": [self._name], "Layers": [_blob(one) for one in packed]}
        self._add("manifest.json", _json([docker]))

    def _layer(self, layer: Layer) -> tuple[dict[str, Any], str]:
        """Its descriptor, and the digest of what it unpacks to."""
        plain, packed = self._path.with_suffix(".layer"), self._path.with_suffix(".layer.gz")
        try:
            with tarfile.open(plain, "w", format=tarfile.PAX_FORMAT) as tar:
                for path, name in _entries(layer.folder):
                    tar.add(path, name, recursive=False, filter=self._plain)
            with plain.open("rb") as source, packed.open("wb") as file, gzip.GzipFile("", "wb", 6, file, 0) as target:
                shutil.copyfileobj(source, target, 1 << 20)
            descriptor = self._blob_of(packed, f"{_OCI}.layer.v1.tar+gzip")
            return descriptor, f"sha256:{sha256(plain)}"
        finally:
            plain.unlink(missing_ok=True)
            packed.unlink(missing_ok=True)

    def _plain(self, entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime, entry.uname, entry.gname = self._seconds, "", ""
        return entry

    def _blob_of(self, file: Path, kind: str) -> dict[str, Any]:
        digest = sha256(file)
        with file.open("rb") as content:
            self._entry(f"blobs/sha256/{digest}", file.stat().st_size, content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": file.stat().st_size}

    def _json_blob(self, content: object, kind: str) -> dict[str, Any]:
        data = _json(content)
        digest = hashlib.sha256(data).hexdigest()
        self._add(f"blobs/sha256/{digest}", data)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    def _add(self, name: str, data: bytes) -> None:
        self._entry(name, len(data), io.BytesIO(data))

    def _entry(self, name: str, size: int, content: Any) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime = size, self._seconds
        self._tar.addfile(entry, content)


def _entries(folder: Path) -> Iterator[tuple[Path, str]]:
    """All that lies in a folder, folders before what is in them, with names within it."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(folders + files):
            path = Path(place, name)
            yield path, str(path.relative_to(folder))


def _blob(descriptor: Mapping[str, Any]) -> str:
    return "blobs/" + str(descriptor["digest"]).replace(":", "/")


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()

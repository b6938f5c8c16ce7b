"""Archives of container images: what is in them, and that they are the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from oci_archive import Layer, OciArchive

pytestmark = pytest.mark.any_engine


@pytest.fixture
def layer(tmp_path: Path) -> Layer:
    folder = tmp_path / "layer"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "program").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "bin" / "program").chmod(0o755)
    (folder / "bin" / "other").hardlink_to(folder / "bin" / "program")
    (folder / "sbin").symlink_to("bin")
    return Layer(folder, "for a test")


def write(path: Path, layer: Layer) -> Path:
    with OciArchive(path, "name:1", 1000) as archive:
        archive.write([layer], "amd64", {"Cmd": ["program"]})
    return path


def test_each_blob_is_what_its_digest_says(tmp_path: Path, layer: Layer) -> None:
    with tarfile.open(write(tmp_path / "image.tar", layer)) as tar:
        blobs = [name for name in tar.getnames() if name.startswith("blobs/")]
        assert len(blobs) == 3
        for name in blobs:
            assert hashlib.sha256(content(tar, name)).hexdigest() == Path(name).name


def test_a_layer_has_modes_and_links_of_its_folder(tmp_path: Path, layer: Layer) -> None:
    with tarfile.open(write(tmp_path / "image.tar", layer)) as tar:
        [index] = read(tar, "index.json")["manifests"]
        manifest = read(tar, blob(index))
        configuration = read(tar, blob(manifest["config"]))
        plain = gzip.decompress(content(tar, blob(manifest["layers"][0])))
    assert configuration["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(plain).hexdigest()}"]
    assert configuration["config"] == {"Cmd": ["program"]}
    with tarfile.open(fileobj=io.BytesIO(plain)) as entries:
        found = {entry.name: (entry.mode, entry.mtime, entry.linkname) for entry in entries}
    assert found == {
        "bin": (0o755, 1000, ""),
        "bin/other": (0o755, 1000, ""),
        "bin/program": (0o755, 1000, "bin/other"),
        "sbin": (0o777, 1000, "bin"),
    }


def test_docker_finds_the_same_blobs(tmp_path: Path, layer: Layer) -> None:
    with tarfile.open(write(tmp_path / "image.tar", layer)) as tar:
        manifest = read(tar, blob(read(tar, "index.json")["manifests"][0]))
        assert read(tar, "manifest.json") == [
            {"Config": blob(manifest["config"]), "Layers": [blob(manifest["layers"][0])], "RepoTags": ["name:1"]}
        ]


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path, layer: Layer) -> None:
    first = write(tmp_path / "first.tar", layer).read_bytes()
    os.utime(layer.folder / "bin" / "program", (5, 5))
    assert write(tmp_path / "second.tar", layer).read_bytes() == first


def test_nothing_is_left_of_an_archive_that_fails(tmp_path: Path, layer: Layer) -> None:
    with pytest.raises(TypeError), OciArchive(tmp_path / "image.tar", "name:1", 1000) as archive:
        archive.write([layer], "amd64", {"Cmd": {object()}})
    assert list(tmp_path.iterdir()) == [layer.folder]


def read(tar: tarfile.TarFile, name: str) -> Any:
    return json.loads(content(tar, name))


def content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def blob(descriptor: dict[str, Any]) -> str:
    return "blobs/" + str(descriptor["digest"]).replace(":", "/")

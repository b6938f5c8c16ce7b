"""The package under test, as nodes of a cluster may have it: as a wheel, in another version, or not at all."""

from __future__ import annotations

import base64
import hashlib
import shutil
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import dcp_evaluator
from dcp_evaluator.settings.installation import VERSION

_FOLDER = Path(dcp_evaluator.__file__).parent
_VERSION_FILE = "settings/installation.py"

# A finder that comes first, and sees no folder of installed packages.
_HIDING = """
import sys
from importlib.machinery import PathFinder

class Hiding:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "dcp_evaluator":
            return None
        elsewhere = [entry for entry in sys.path if not entry.endswith("site-packages")]
        if (spec := PathFinder.find_spec(name, elsewhere)) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return spec

sys.meta_path.insert(0, Hiding)
"""


def hidden(folder: Path) -> dict[str, str]:
    """The environment in which it is not among the installed packages."""
    (folder / "sitecustomize.py").write_text(_HIDING)
    return {"PYTHONPATH": str(folder)}


def in_version(folder: Path, version: str) -> dict[str, str]:
    """The environment in which it has another version."""
    shutil.copytree(_FOLDER, folder / "dcp_evaluator", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "dcp_evaluator" / _VERSION_FILE
    file.write_text(_with_version(file.read_text(), version))
    return {"PYTHONPATH": str(folder)}


def wheel(folder: Path, version: str = VERSION) -> Path:
    """What is installed, packed again. It asks for no other package: those are there."""
    path = folder / f"dcp_evaluator-{version}-py3-none-any.whl"
    about = f"dcp_evaluator-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: dcp-evaluator\nVersion: {version}\n"
    tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: false\nTag: py3-none-any\n"
    record = []
    with ZipFile(path, "w", ZIP_STORED) as archive:
        for file in sorted(_FOLDER.rglob("*")):
            name = file.relative_to(_FOLDER)
            if file.is_file() and "__pycache__" not in name.parts:
                data = file.read_bytes()
                if str(name) == _VERSION_FILE:
                    data = _with_version(data.decode(), version).encode()
                archive.writestr(ZipInfo.from_file(file, f"dcp_evaluator/{name}"), data)  # its mode too, for programs
                record.append((f"dcp_evaluator/{name}", data))
        for name, text in (("METADATA", metadata), ("WHEEL", tags)):
            archive.writestr(f"{about}/{name}", text)
            record.append((f"{about}/{name}", text.encode()))
        lines = [f"{name},sha256={_hash(data)},{len(data)}" for name, data in record]
        archive.writestr(f"{about}/RECORD", "\n".join([*lines, f"{about}/RECORD,,", ""]))
    return path


def _with_version(source: str, version: str) -> str:
    assert source.count(f'VERSION = "{VERSION}"') == 1
    return source.replace(f'VERSION = "{VERSION}"', f'VERSION = "{version}"')


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()

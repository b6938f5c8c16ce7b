"""three.js renders a scene into a texture, and the pixels come back."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cli_driver
from npm_packages import npm_packages

# What a page has and a sandbox has not. Nothing is drawn on the canvas: it only has a size.
PAGE = """
var self = globalThis;
const canvas = { width: 64, height: 64, style: {}, addEventListener() {}, removeEventListener() {} };
globalThis.requestAnimationFrame ??= (callback) => setTimeout(() => callback(performance.now()), 0);
globalThis.cancelAnimationFrame ??= clearTimeout;
"""

PROGRAM = """
(async () => {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice();
  const uncaptured = [];
  device.onuncapturederror = (event) => uncaptured.push(event.error.message);
  const renderer = new THREE.WebGPURenderer({ canvas, device });
  await renderer.init();
  const scene = new CORE.Scene();
  scene.background = new CORE.Color(0, 0, 1);
  const camera = new CORE.PerspectiveCamera(50, 1, 0.1, 10);
  camera.position.z = 3;
  const ball = new CORE.Mesh(new CORE.SphereGeometry(1, 32, 16), new CORE.MeshStandardMaterial({ color: 0xff0000 }));
  scene.add(ball, new CORE.AmbientLight(0xffffff, 0.4));
  const light = new CORE.DirectionalLight(0xffffff, 1);
  light.position.set(-2, 0, 1);
  scene.add(light);
  const target = new CORE.RenderTarget(64, 64);
  renderer.setRenderTarget(target);
  await renderer.render(scene, camera);
  const bytes = await renderer.readRenderTargetPixelsAsync(target, 0, 0, 64, 64);
  cancelAnimationFrame = requestAnimationFrame = () => 0; // three.js asks for frames for ever
  const at = (x, y) => [...bytes.slice(4 * (64 * y + x), 4 * (64 * y + x) + 4)];
  return { uncaptured, corner: at(2, 2), middle: at(32, 32), left: at(18, 32), right: at(46, 32) };
})().then((found) => print(JSON.stringify(found)), (error) => print(`${error}\\n${error.stack}`));
"""


NAMES = {"./three.core.js": "CORE", "./three.tsl.js": "TSL", "./three.webgpu.js": "THREE"}


def as_script(module: Path) -> str:
    """A module as a script that makes a constant of what it exports itself, from the constants that it imports."""
    text = module.read_text()
    imports = re.compile(r"^import \{(.*?)\} from '([^']*)';", re.M)
    text = imports.sub(lambda found: f"const {{{_renamed(found[1])}}} = {NAMES[found[2]]};", text)
    text = re.sub(r"^export \{[^}]*\} from '[^']*';", "", text, flags=re.M)
    exports = re.compile(r"^export \{([^}]*)\};", re.M)
    (names,) = exports.findall(text)
    items = ", ".join(f"{new or old}: {old}" for old, new in _pairs(names))
    return f"const {NAMES[f'./{module.name}']} = (() => {{\n{exports.sub('', text)}\nreturn {{ {items} }};\n}})();\n"


def _pairs(names: str) -> list[tuple[str, str]]:
    return re.findall(r"([\w$]+)(?: as ([\w$]+))?", names)


def _renamed(names: str) -> str:
    return ", ".join(f"{old}: {new or old}" for old, new in _pairs(names))


def test_a_scene_is_rendered(tmp_path: Path) -> None:
    build = npm_packages("three") / "three/build"
    files = cli_driver.write(
        tmp_path,
        page=PAGE,
        core=as_script(build / "three.core.js"),
        tsl=as_script(build / "three.tsl.js"),
        three=as_script(build / "three.webgpu.js"),
        program=PROGRAM,
    )
    done = cli_driver.run("--shell", *(tmp_path / name for name in files))
    assert done.returncode == 0, done.stderr
    assert "not compatible" not in done.stdout + done.stderr
    last = done.stdout.splitlines()[-1] if done.stdout else ""
    assert last.startswith("{"), done.stdout[-3000:] + done.stderr[-3000:]
    found = json.loads(last)
    assert found["uncaptured"] == []
    assert found["corner"] == [0, 0, 255, 255]
    # Red, lit from the left.
    assert 60 < found["middle"][0] < 255
    assert max(found["middle"][1:3]) < 40
    assert found["left"][0] > found["right"][0] + 20

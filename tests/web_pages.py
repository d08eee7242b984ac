"""Pages of `munjang export web` in Node: the same program as in a browser, without the page."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from munjang.export.web.runtime import choose_scripts, read_script

TIMEOUT = 300.0
_HARNESS = """
const fs = require("fs");
const part = (page, id) => page.match(new RegExp(`id="${id}">([^]*?)</script>`))[1];
const [page, asked] = [process.argv[2], process.argv[3]].map(path => fs.readFileSync(path, "utf8"));
const model = new Model(JSON.parse(part(page, "model")), bytesOf(part(page, "weights")));
const {texts, why} = JSON.parse(asked);
async function explain(answer) {
  for await (const value of model.why(answer)) if (value) return value;
}
async function answerAll() {
  const answers = [];
  for (const text of texts) {
    const answer = await model.read(text);
    const {ids, logits, oovWords, truncated, label, number, probabilities} = answer;
    answers.push({ids, logits: [...logits], oovWords, truncated, label, number, probabilities,
      why: why ? await explain(answer) : null});
  }
  console.log(JSON.stringify({answers, check: await model.check()}));
}
answerAll();
"""


# What stands for the package onnxruntime-web where nothing is computed.
PACKAGE_SCRIPT = (
    "/*! made up */ var a={},b=class{},c={wasm:{}};"
    "export{a as InferenceSession,b as Tensor,b as default,c as env};\n"
    "//# sourceMappingURL=ort.wasm.bundle.min.mjs.map\n"
)
PACKAGE_PROGRAM = b"\0asm made up" * 100


def make_package(folder: Path) -> Path:
    """A folder with the files of onnxruntime-web that a page takes."""
    package = folder / "node_modules" / "onnxruntime-web"
    (package / "dist").mkdir(parents=True)
    (package / "dist" / "ort.wasm.bundle.min.mjs").write_text(PACKAGE_SCRIPT)
    (package / "dist" / "ort-wasm-simd-threaded.wasm").write_bytes(PACKAGE_PROGRAM)
    (package / "package.json").write_text('{"version": "1.30.0"}')
    return package


def find_node() -> str:
    """The program of Node, if there is one."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("no node in PATH")
    return found


def run_page(page: Path, texts: list[str], folder: Path, *, why: bool = False) -> dict[str, Any]:
    """What a page answers to texts: their ids, logits, labels and, if asked, shares of words."""
    node = find_node()
    program, asked = folder / "page_in_node.js", folder / "asked.json"
    description = json.loads(read_part(page.read_text("utf-8"), "model"))
    script = read_script(*choose_scripts(description))
    program.write_text(script + _HARNESS, encoding="utf-8")
    asked.write_text(json.dumps({"texts": texts, "why": why}), encoding="utf-8")
    command = [node, str(program), str(page), str(asked)]
    result = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    assert result.returncode == 0, result.stderr.decode()
    answers: dict[str, Any] = json.loads(result.stdout)
    return answers


def read_part(source: str, name: str) -> str:
    """The content of a script element of a page by its id."""
    found = re.search(rf'id="{name}">(.*?)</script>', source, re.DOTALL)
    assert found is not None
    return found[1]

"""What a training imports before its first step: nothing of PyTorch's compiler."""

import subprocess
import sys

SCRIPT = """
import sys, munjang
texts = [f"a {kind} film, number {n}" for n in range(20) for kind in ("good", "bad")]
rows = (texts, ["a", "b"] * 20)
munjang.train(rows, model=sys.argv[1], overrides=["training.max_steps=1", "training.threads=1"])
print(*sorted({"torch._dynamo", "torch._inductor", "sympy"} & set(sys.modules)))
"""


def test_no_compiler_is_imported() -> None:
    """It would take a second of every command."""
    for model in ("mean", "lstm", "transformer"):
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT, model], capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == "", model

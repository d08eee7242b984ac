"""What a training imports before its first step: nothing of PyTorch's compiler."""

import subprocess
import sys

# One process for all models: to begin another takes seconds. What a model imports stays, and is in
# its line and those below.
SCRIPT = """
import sys, munjang
texts = [f"a {kind} film, number {n}" for n in range(20) for kind in ("good", "bad")]
rows = (texts, ["a", "b"] * 20)
for model in sys.argv[1:]:
    munjang.train(rows, model=model, overrides=["training.max_steps=1", "training.threads=1"])
    print(model, *sorted({"torch._dynamo", "torch._inductor", "sympy"} & set(sys.modules)))
"""
MODELS = ("mean", "lstm", "transformer")


def test_no_compiler_is_imported() -> None:
    """It would take a second of every command."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *MODELS], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == [*MODELS]

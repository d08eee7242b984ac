"""What a training and a prediction import: nothing of PyTorch's compiler, and no pandas."""

import subprocess
import sys

# One process for all models: to begin another takes seconds. What a model imports stays, and is in
# its line and those below.
SCRIPT = """
import sys, munjang
texts = [f"a {kind} film, number {n}" for n in range(20) for kind in ("good", "bad")]
rows = (texts, ["a", "b"] * 20)
for model in sys.argv[1:]:
    few = ["training.max_steps=1", "training.threads=1"]
    munjang.train(rows, model=model, overrides=few).model.predict(["a good film", ""])
    print(model, *sorted({*HEAVY} & set(sys.modules)))
"""
HEAVY = ("torch._dynamo", "torch._inductor", "sympy", "pandas")
MODELS = ("mean", "lstm", "transformer")


def test_nothing_heavy_is_imported() -> None:
    """The compiler would take a second of every command, and pandas half of one."""
    script = f"HEAVY = {HEAVY}\n{SCRIPT}"
    command = [sys.executable, "-c", script, *MODELS]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [*MODELS]

"""The peer of benchmarks/serving.py: the same model behind a plain FastAPI handler, one at a time.

python benchmarks/serving_peer.py FOLDER PORT
"""

import argparse


def serve(folder: str, port: int) -> None:
    """Answer POST /predict until the process ends."""
    import torch
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    import munjang

    torch.set_num_threads(1)
    model = munjang.load(folder)
    app = FastAPI()

    class Body(BaseModel):
        inputs: str

    @app.post("/predict")
    async def predict(body: Body) -> list[dict[str, float | str]]:
        answer = model.predict([body.inputs])[0]
        scores = sorted(answer.probabilities.items(), key=lambda pair: -pair[1])
        return [{"label": label, "score": score} for label, score in scores]

    uvicorn.run(app, port=port, log_level="error", access_log=False)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    serve(options.folder, options.port)


if __name__ == "__main__":
    main()

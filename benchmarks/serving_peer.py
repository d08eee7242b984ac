"""The peer of benchmarks/serving.py: the same model behind a plain FastAPI handler, one at a time.

python benchmarks/serving_peer.py FOLDER PORT
"""

import sys

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

import munjang

torch.set_num_threads(1)
model = munjang.load(sys.argv[1])
app = FastAPI()


class Body(BaseModel):
    inputs: str


@app.post("/predict")
async def predict(body: Body) -> list[dict[str, float | str]]:
    answer = model.predict([body.inputs])[0]
    scores = sorted(answer.probabilities.items(), key=lambda pair: -pair[1])
    return [{"label": label, "score": score} for label, score in scores]


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)

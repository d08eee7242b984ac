"""Folders of any content: one line that names the file, and no memory beyond the file's size."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import munjang
from munjang.errors import FolderError
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.manifest import write_manifest
from munjang.pretrained.huggingface import import_checkpoint
from tests.checkpoints import make_weights, write_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")


def refusal_message(folder: Path) -> str:
    with pytest.raises(FolderError) as raised:
        import_checkpoint(folder)
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 1500
    return message


def make_header(**entries: Any) -> bytes:
    data = json.dumps(entries).encode()
    return struct.pack("<Q", len(data)) + data


def make_entry(kind: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", b"", "config.json: this is not valid JSON"),
        ("config.json", b"\xff\xfe", "config.json: this is not valid JSON"),
        ("config.json", b"[]", "config.json: expected a JSON object"),
        ("config.json", b'{"a": NaN}', "config.json: NaN"),
        ("config.json", b"[" * 100_000, "config.json: "),
        ("config.json", b'{"a":1,"a":2}', "config.json: a key occurs twice"),
        ("model.safetensors", b"", "does not begin with a header"),
        ("model.safetensors", b"\xff" * 64, "does not begin with a header"),
        ("model.safetensors", b"\x80\x04K\x01.", "does not begin with a header"),
        (
            "model.safetensors",
            make_header(a=make_entry("F32", [2**40], 0, 2**42)),
            "does not end where",
        ),
        ("model.safetensors", make_header(a=make_entry("F32", [4], 0, 8)), "entry of 'a'"),
        (
            "model.safetensors",
            make_header(a=make_entry("F8_E4M3", [8], 0, 8)) + bytes(8),
            "'a' is of the type",
        ),
        ("model.safetensors", make_header(a=make_entry("F32", [], 0, 4)) + bytes(4), "missing: "),
        ("tokenizer.json", b"{}", "tokenizer.json: expected the JSON of a Hugging Face"),
        ("tokenizer.json", b"\x00", "tokenizer.json: this is not valid JSON"),
    ],
)
def test_damaged_file_is_named(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)
    (folder / name).write_bytes(content)
    assert message in refusal_message(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_pipe_or_folder_in_place_of_a_file_is_named(name: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert name in refusal_message(folder)
    (folder / name).unlink()
    (folder / name).mkdir()
    assert name in refusal_message(folder)
    (folder / name).rmdir()
    assert name in refusal_message(folder)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        (["pytorch_model.bin"], "a pickle can run any code and is not read"),
        (["model.safetensors.index.json"], "max_shard_size"),
        (["tf_model.h5"], "only model.safetensors is read"),
        ([], "there is no such file"),
    ],
)
def test_other_formats_say_how_to_convert_them(
    others: list[str], message: str, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path)
    (folder / "model.safetensors").unlink()
    for name in others:
        (folder / name).write_bytes(b"")
    assert message in refusal_message(folder)


@pytest.mark.parametrize("architecture", ["BertModel", "BertForMaskedLM", None])
def test_a_pickle_is_to_be_saved_by_its_own_class(architecture: str | None, tmp_path: Path) -> None:
    """Another class would add a head with random weights, which an import could not tell."""
    folder = write_checkpoint(tmp_path, architecture=architecture)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    message = refusal_message(folder)
    wanted = architecture or "BertModel"
    assert f"{wanted}.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER)" in message


def test_types_of_quantized_weights_are_named(tmp_path: Path) -> None:
    weights = make_weights()
    name = "bert.encoder.layer.0.output.dense.weight"
    folder = write_checkpoint(tmp_path, {**weights, name: weights[name].to(torch.int8)})
    assert f"'{name}' is of the type I8; expected F32" in refusal_message(folder)


def test_files_may_be_links_as_in_the_cache_of_hugging_face(tmp_path: Path) -> None:
    blobs, folder = tmp_path / "blobs", write_checkpoint(tmp_path / "snapshot")
    blobs.mkdir()
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(blobs / str(number))
        path.symlink_to(blobs / str(number))
    assert import_checkpoint(folder).recipe.task == "masked_lm"


@pytest.mark.parametrize(
    "config",
    [
        {"hidden_size": 10**6, "num_attention_heads": 1},
        {"intermediate_size": 10**6},
        {"num_hidden_layers": 64},
        {"max_position_embeddings": 10**6},
        {"max_position_embeddings": 2},
        {"max_position_embeddings": 0},
        {"type_vocab_size": 1000},
        {"vocab_size": 10**9, "hidden_size": 10**300},
    ],
    ids=str,
)
def test_wrong_sizes_allocate_no_memory(config: dict[str, Any], tmp_path: Path) -> None:
    refusal_message(write_checkpoint(tmp_path, **config))


def test_path_that_is_not_a_checkpoint_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "expected a folder" in refusal_message(tmp_path / "file")
    assert "expected a folder" in refusal_message(tmp_path / "nothing")
    assert "config.json: there is no such file" in refusal_message(tmp_path)


@given(
    index=st.integers(0, 400),
    value=st.integers(0, 255),
    name=st.sampled_from(["config.json", "model.safetensors", "tokenizer.json"]),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_changed_byte_gives_one_line_error_or_valid_model(
    index: int, value: int, name: str, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path / "a")
    data = bytearray((folder / name).read_bytes())
    data[index % len(data)] = value
    (folder / name).write_bytes(bytes(data))
    try:
        import_checkpoint(folder)
    except FolderError as error:
        assert "\n" not in str(error)  # noqa: PT017 (either outcome is right)


def test_classifier_labels_must_match_its_rows(tmp_path: Path) -> None:
    weights = {n: w for n, w in make_weights().items() if not n.startswith("cls.")}
    weights |= {"classifier.weight": torch.zeros(3, 8), "classifier.bias": torch.zeros(3)}
    kind = "BertForSequenceClassification"
    folder = write_checkpoint(tmp_path, weights, architecture=kind)
    assert "missing: pooler.dense.weight, pooler.dense.bias" in refusal_message(folder)
    for labels, message in (
        ({"0": "a", "1": "b"}, "id2label names 2 labels, and classifier.weight has 3 rows"),
        ({"0": "a", "1": "b", "2": "a"}, "a name is empty or occurs twice"),
        ({"0": "a", "1": "b", "2": " "}, "a name is empty or occurs twice"),
        ({"0": "a", "1": "b", "2": "c" * 10**5}, "labels"),
    ):
        folder = write_checkpoint(tmp_path, weights, architecture=kind, id2label=labels)
        assert message in refusal_message(folder)
    folder = write_checkpoint(tmp_path, weights, architecture=None)
    assert "expected the class of the checkpoint in architectures" in refusal_message(folder)


@pytest.mark.parametrize(
    "section", [5, None, [], {}, {"source": "a"}, {"source": "a", "left_out": 3}]
)
def test_damaged_origin_is_refused_in_one_line(section: Any, tmp_path: Path) -> None:
    munjang.import_model(write_checkpoint(tmp_path / "in"), out=tmp_path / "model")
    file = tmp_path / "model" / "metrics.json"
    metrics = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**metrics, "imported": section}), encoding="utf-8")
    names = json.loads((tmp_path / "model" / MANIFEST).read_text(encoding="utf-8"))["files"]
    write_manifest(tmp_path / "model", list(names), munjang.__version__)
    with pytest.raises(FolderError, match=r"metrics\.json: this file lacks metrics") as raised:
        munjang.load(tmp_path / "model")
    assert "\n" not in str(raised.value)


def test_markup_in_name_is_escaped_in_the_card(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>\n# [x](http://a.b)"
    folder = write_checkpoint(tmp_path / "in", _name_or_path=name)
    munjang.import_model(folder, out=tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "<script>" not in card
    assert "\n# [x]" not in card

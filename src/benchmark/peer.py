"""Times a token classification encoder in PyTorch or onnxruntime: what `mtmt benchmark engine --peer PYTHON` runs beside our own engine.

Prints one line of JSON: engine, what, precision, batch, length, medianMs, piecesPerSecond.
Needs torch, transformers and, for --engine onnxruntime, onnxruntime and onnx.
"""

import argparse
import json
import statistics
import tempfile
import time

import torch
from transformers import BertConfig, BertForTokenClassification

TAGS = 9
WARM_UP = 3


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--what", choices=["train", "predict"], default="train")
    parser.add_argument("--engine", choices=["torch", "onnxruntime"], default="torch")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    for name, value in dict(batch=32, length=64, layers=12, hidden=384, heads=12, vocabulary=30000, freeze=-1, repeats=8).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--encoder")
    return parser.parse_args()


def model_of(o):
    if o.encoder:
        model = BertForTokenClassification.from_pretrained(o.encoder, num_labels=TAGS)
    else:
        model = BertForTokenClassification(
            BertConfig(vocab_size=o.vocabulary, hidden_size=o.hidden, num_hidden_layers=o.layers, num_attention_heads=o.heads, intermediate_size=4 * o.hidden, num_labels=TAGS)
        )
    if o.freeze >= 0:
        for part in [model.bert.embeddings, *model.bert.encoder.layer[: o.freeze]]:
            for parameter in part.parameters():
                parameter.requires_grad = False
    return model


def training(model, ids, mask, is_half):
    tags = torch.randint(0, TAGS, ids.shape)
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=True)

    def work():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=is_half):
            loss = model(input_ids=ids, attention_mask=mask, labels=tags).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        return loss.item()

    return work


def prediction(model, ids, mask, is_half):
    model.eval()

    def work():
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=is_half):
            model(input_ids=ids, attention_mask=mask)

    return work


def onnx_prediction(model, ids, mask):
    import onnxruntime

    model.eval()
    model.config.return_dict = False
    axes = {"i": {0: "b", 1: "l"}, "m": {0: "b", 1: "l"}}
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/model.onnx"
        torch.onnx.export(model, (ids, mask), path, input_names=["i", "m"], output_names=["o"], dynamic_axes=axes, opset_version=17, dynamo=False)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {"i": ids.numpy(), "m": mask.numpy()}
    return lambda: session.run(None, feed)


def main():
    o = options()
    torch.manual_seed(0)
    model = model_of(o)
    ids = torch.randint(5, min(o.vocabulary, model.config.vocab_size), (o.batch, o.length))
    mask = torch.ones_like(ids)
    is_half = o.precision == "bfloat16"
    if o.what == "train":
        work = training(model, ids, mask, is_half)
    else:
        work = prediction(model, ids, mask, is_half) if o.engine == "torch" else onnx_prediction(model, ids, mask)
    for _ in range(WARM_UP):
        work()
    times = []
    for _ in range(o.repeats):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    median = statistics.median(times)
    print(json.dumps({"engine": o.engine, "what": o.what, "precision": o.precision, "batch": o.batch, "length": o.length, "medianMs": round(median, 2), "piecesPerSecond": round(o.batch * o.length / median * 1e3)}))


if __name__ == "__main__":
    main()

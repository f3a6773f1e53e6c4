"""A checkpoint behind transformers' pipeline, one request at a time: what `mtmt benchmark serve --peer PYTHON` runs beside our service.

As FastAPI with a pipeline in its handler, but on Python's own HTTP server, which does less for each request.
POST /ner {"text"} answers {"entities": [{label, text}]}; POST /onnxruntime {"length", "seconds"} times the same model in process, in float32.
Prints one line of JSON when it listens, and ends with its standard input. Needs torch, transformers, onnxruntime and onnx.
"""

import argparse
import json
import os
import statistics
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# the model is a folder: nothing is to be asked of a hub
os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import onnxruntime
import torch
import transformers

from peer import WARM_UP, onnx_prediction

one_at_a_time = threading.Lock()


class Model:
    def __init__(self, folder):
        self.folder = folder
        self.tag = transformers.pipeline("token-classification", model=folder, aggregation_strategy="first", device="cpu")
        self.predictions = {}

    def entities(self, text):
        # offsets of a SentencePiece tokenizer begin at the blank before a word
        return {"entities": [{"label": found["entity_group"], "text": text[found["start"] : found["end"]].strip()} for found in self.tag(text)]}

    def time_onnxruntime(self, length, seconds):
        work = self.predictions.get(length) or self.exported(length)
        for _ in range(WARM_UP):
            work()
        times = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < WARM_UP:
            start = time.perf_counter()
            work()
            times.append(1e3 * (time.perf_counter() - start))
        return {"count": len(times), "medianMs": statistics.median(times)}

    def exported(self, length):
        # a model of its own: the export changes its configuration
        model = transformers.AutoModelForTokenClassification.from_pretrained(self.folder)
        ids = torch.randint(5, model.config.vocab_size, (1, length))
        self.predictions[length] = onnx_prediction(model, ids, torch.ones_like(ids))
        return self.predictions[length]


class Server(ThreadingHTTPServer):
    request_queue_size = 512


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with one_at_a_time:
            answer = self.server.model.entities(**request) if self.path == "/ner" else self.server.model.time_onnxruntime(**request)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    server = Server(("127.0.0.1", 0), Handler)
    server.model = Model(parser.parse_args().model)
    server.model.entities("Warm up.")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "onnxruntime": onnxruntime.__version__}
    print(json.dumps({"port": server.server_port, "threads": torch.get_num_threads(), "versions": versions}), flush=True)
    sys.stdin.read()


main()

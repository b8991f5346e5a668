"""Dims that ONNX's own inference and onnxruntime's symbolic script resolve: one JSON object per model.

Reads paths on standard input. A dim is resolved when it is a number or a named expression; every output of every node of the main
graph counts. Needs onnx; the symbolic script also onnxruntime and sympy.
"""

import json
import sys
import time

import onnx


def strip(model):
    del model.graph.value_info[:]
    return model


def resolved(model):
    """Values by name: None for an unknown rank, else how many dims are known, and of how many."""
    found = {}
    for info in list(model.graph.value_info) + list(model.graph.output):
        tensor = info.type.tensor_type
        if not info.type.HasField("tensor_type") or not tensor.HasField("shape"):
            continue
        dims = tensor.shape.dim
        fixed = sum(1 for dim in dims if dim.HasField("dim_value") and dim.dim_value >= 0)
        known = fixed + sum(1 for dim in dims if dim.dim_param)
        found[info.name] = [known, len(dims), fixed]
    return found


def by_onnx(path):
    model = strip(onnx.load(path, load_external_data=False))
    return resolved(onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True))


def by_script(path):
    from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

    model = strip(onnx.load(path, load_external_data=False))
    return resolved(SymbolicShapeInference.infer_shapes(model, auto_merge=True, guess_output_rank=False))


def run(infer, path):
    start = time.perf_counter()
    try:
        return {"values": infer(path), "ms": 1000 * (time.perf_counter() - start)}
    except Exception as error:  # what a peer cannot do is a result
        return {"error": f"{type(error).__name__}: {str(error)[:160]}", "ms": 1000 * (time.perf_counter() - start)}


for line in sys.stdin:
    path = line.strip()
    print(json.dumps({"path": path, "onnx": run(by_onnx, path), "script": run(by_script, path)}), flush=True)

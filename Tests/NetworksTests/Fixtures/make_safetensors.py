"""Writes python.safetensors beside itself: a small file of Python's safetensors, which the tests read.

    pip install numpy safetensors && python3 make_safetensors.py
"""
import pathlib

import numpy
from safetensors.numpy import save_file

tensors = {
    "encoder.weight": numpy.arange(6, dtype="<f4").reshape(2, 3) / 8,
    "encoder.bias": numpy.array([1.5, -2.25, 1e-45], dtype="<f4"),
    "scale": numpy.array(0.5, dtype="<f4"),
    "empty": numpy.zeros((0, 4), dtype="<f4"),
}
save_file(tensors, pathlib.Path(__file__).with_name("python.safetensors"), metadata={"model": "a “small” one"})

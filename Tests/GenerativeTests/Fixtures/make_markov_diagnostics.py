"""Diagnostics of small sets of draws by ArviZ 0.23 (pip install arviz): python make_markov_diagnostics.py"""
import json
from pathlib import Path

import arviz
import numpy as np


def autoregressive(rng, chains, draws, rho, shift=0.0, scale=1.0):
    x = np.zeros((chains, draws))
    x[:, 0] = rng.normal(size=chains)
    for t in range(1, draws):
        x[:, t] = rho * x[:, t - 1] + np.sqrt(1 - rho**2) * rng.normal(size=chains)
    return x * scale + shift


rng = np.random.default_rng(7)
sets = {
    "independent": rng.normal(size=(4, 50)),
    "sticky": autoregressive(rng, 4, 80, 0.9),
    "alternating": autoregressive(rng, 3, 60, -0.7),
    "one chain": autoregressive(rng, 1, 100, 0.5),
    "odd number of draws": autoregressive(rng, 4, 41, 0.3),
    "other location in one chain": autoregressive(rng, 4, 40, 0.2) + np.array([[0], [0], [0], [2]]),
    "other scale in one chain": autoregressive(rng, 4, 40, 0.2) * np.array([[1], [1], [1], [5]]),
    "ties": rng.poisson(1.5, size=(3, 40)).astype(float),
    "heavy tails": rng.standard_cauchy(size=(4, 60)),
    "few draws": rng.normal(size=(2, 4)),
}
result = []
for name, x in sets.items():
    x = np.round(x * 2**20) / 2**20  # sums and differences are exact: ties stay ties
    result.append(
        {
            "name": name,
            "chains": x.tolist(),
            "rHat": float(arviz.rhat(x)) if x.shape[0] > 1 else None,
            "bulkESS": float(arviz.ess(x, method="bulk")),
            "tailESS": float(arviz.ess(x, method="tail")),
            "meanMCSE": float(arviz.mcse(x, method="mean")),
            "sdMCSE": float(arviz.mcse(x, method="sd")),
            "energyBFMI": arviz.bfmi(x).tolist(),
        }
    )
Path(__file__).with_name("markov_diagnostics.json").write_text(json.dumps(result))

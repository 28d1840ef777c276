"""Rational-quadratic splines (Durkan et al. 2019, section 3.1) in NumPy, double precision: values and slopes at places inside, at knots
and beyond the tails. Writes spline_flow.json."""

import json

import numpy as np

BINS, TAIL, SHARE, SLOPE = 5, 3.0, 1e-3, 1e-3


def softmax(u):
    e = np.exp(u - u.max())
    return e / e.sum()


def spline(x, choice):
    widths = (softmax(choice[:BINS]) * (1 - SHARE * BINS) + SHARE) * 2 * TAIL
    heights = (softmax(choice[BINS : 2 * BINS]) * (1 - SHARE * BINS) + SHARE) * 2 * TAIL
    offset = np.log(np.expm1(1 - SLOPE))
    inner = np.log1p(np.exp(choice[2 * BINS :] + offset)) + SLOPE
    slopes = np.concatenate([[1], inner, [1]])
    xs = np.concatenate([[-TAIL], -TAIL + np.cumsum(widths)])
    ys = np.concatenate([[-TAIL], -TAIL + np.cumsum(heights)])
    if abs(x) >= TAIL:
        return x, 0.0, xs, ys, slopes
    k = min(max(np.searchsorted(xs, x, side="right") - 1, 0), BINS - 1)
    xi = (x - xs[k]) / widths[k]
    s = heights[k] / widths[k]
    d0, d1 = slopes[k], slopes[k + 1]
    denominator = s + (d1 + d0 - 2 * s) * xi * (1 - xi)
    y = ys[k] + heights[k] * (s * xi**2 + d0 * xi * (1 - xi)) / denominator
    slope = s**2 * (d1 * xi**2 + 2 * s * xi * (1 - xi) + d0 * (1 - xi) ** 2) / denominator**2
    return y, np.log(slope), xs, ys, slopes


random = np.random.default_rng(7)
rows = []
for _ in range(4):
    choice = np.float32(random.normal(size=3 * BINS - 1) * 1.5).astype(float)
    places = np.float32(random.uniform(-TAIL, TAIL, size=6)).astype(float).tolist() + [-4.5, 3.25, 2.9999]
    _, _, xs, ys, slopes = spline(0.0, choice)
    rows.append(
        {
            "choice": choice.tolist(),
            "x": places,
            "z": [float(spline(x, choice)[0]) for x in places],
            "logSlope": [float(spline(x, choice)[1]) for x in places],
            "knots": xs[1:-1].tolist(),
            "knotHeights": ys[1:-1].tolist(),
            "knotLogSlopes": np.log(slopes[1:-1]).tolist(),
        }
    )
with open("spline_flow.json", "w") as file:
    json.dump({"bins": BINS, "tail": TAIL, "splines": rows}, file, indent=1)

"""Writes layers.json, losses.json and optimizers.json beside itself: small values of PyTorch (2.13) and safetensors.

    pip install torch numpy safetensors && python3 make_fixtures.py

A layer case holds inputs, parameters, the output, and the gradients of sum(output * weight) by inputs and parameters.
"""
import json
import math
import pathlib

import numpy
import torch
import torch.nn as nn
import torch.nn.functional as F

here = pathlib.Path(__file__).parent


def numbers(t):
    t = t.detach()
    flat = [float(f"{v:.9g}") for v in t.reshape(-1).tolist()]
    return {"shape": list(t.shape), "values": flat}


def case(name, function, inputs, parameters, extra=None):
    """One function of named inputs and parameters, differentiated by all of them."""
    leaves = {}
    for k, v in {**inputs, **parameters}.items():
        leaves[k] = v.detach().clone()
        if v.dtype == torch.float32:
            leaves[k].requires_grad_(True)
    y = function(leaves)
    w = torch.randn(y.shape)
    (y * w).sum().backward()
    gradients = {k: numbers(v.grad) for k, v in leaves.items() if v.requires_grad and v.grad is not None}
    result = {
        "name": name,
        "inputs": {k: numbers(v.float()) for k, v in inputs.items()},
        "parameters": {k: numbers(v) for k, v in parameters.items()},
        "output": numbers(y), "weight": numbers(w), "gradients": gradients,
    }
    result.update({k: numbers(v) for k, v in (extra or {}).items()})
    return result


def r(*shape):
    return torch.randn(*shape)


def call(module, *names):
    """A module as a function of leaves: those named are its inputs, the others its parameters."""
    def run(leaves):
        weights = {k: v for k, v in leaves.items() if k not in names}
        return torch.func.functional_call(module, weights, tuple(leaves[n] for n in names))
    return run


def of(module):
    return {k: v + 0.1 * torch.randn_like(v) for k, v in module.named_parameters()}


def layers():
    out = []
    m = nn.Linear(3, 4)
    out.append(case("dense", call(m, "x"), {"x": r(5, 3)}, of(m)))

    def conv(name, dims, i, o, k, **options):
        m = (nn.Conv1d if dims == 1 else nn.Conv2d)(i, o, k, **options)
        x = r(2, i, 7) if dims == 1 else r(2, i, 5, 6)
        out.append(case(name, call(m, "x"), {"x": x}, of(m)))

    conv("conv1d", 1, 2, 3, 3, padding=1)
    conv("conv1d strided", 1, 2, 3, 3, stride=2, padding=1)
    conv("conv1d dilated", 1, 2, 3, 3, dilation=2, padding=2)
    conv("conv2d", 2, 2, 3, 3, padding=1)
    conv("conv2d strided", 2, 2, 3, 3, stride=2, padding=1)
    conv("conv2d dilated", 2, 2, 3, 3, dilation=2, padding=2)
    conv("conv2d grouped by one", 2, 2, 3, 1)

    w, b = r(3, 2, 3), r(3)
    out.append(case(
        "conv1d causal", lambda l: F.conv1d(F.pad(l["x"], (4, 0)), l["weight"], l["bias"], dilation=2),
        {"x": r(2, 2, 7)}, {"weight": w, "bias": b}))

    for kind in "AB":
        mask = torch.ones(3, 3)
        mask[1, 1 + (kind == "B"):] = 0
        mask[2:] = 0
        out.append(case(
            f"conv2d masked {kind}",
            lambda l, mask=mask: F.conv2d(l["x"], l["weight"] * mask, l["bias"], padding=1),
            {"x": r(2, 2, 5, 6)}, {"weight": r(3, 2, 3, 3), "bias": r(3)}))

    m = nn.ConvTranspose1d(3, 2, 4, stride=2, padding=1)
    out.append(case("transposed conv1d", call(m, "x"), {"x": r(2, 3, 4)}, of(m)))
    m = nn.ConvTranspose2d(3, 2, 4, stride=2, padding=1)
    out.append(case("transposed conv2d", call(m, "x"), {"x": r(2, 3, 3, 4)}, of(m)))

    index = torch.tensor([[0, 2, 1], [4, 2, 2]])
    out.append(case(
        "embedding", lambda l: F.embedding(index, l["weight"]), {"indices": index}, {"weight": r(5, 4)}))

    m = nn.LayerNorm(6)
    out.append(case("layer norm", call(m, "x"), {"x": r(4, 6)}, of(m)))
    m = nn.GroupNorm(2, 4)
    out.append(case("group norm", call(m, "x"), {"x": r(2, 4, 3, 2)}, of(m)))
    m = nn.InstanceNorm2d(3, affine=True)
    out.append(case("instance norm", call(m, "x"), {"x": r(2, 3, 4, 2)}, of(m)))
    for name, m, x in [("batch norm", nn.BatchNorm1d(3), r(6, 3)), ("batch norm 2d", nn.BatchNorm2d(2), r(3, 2, 2, 3))]:
        c = case(name, call(m, "x"), {"x": x}, of(m))
        m = type(m)(x.shape[1])
        m.train()(x)
        c["running_mean"], c["running_var"] = numbers(m.running_mean), numbers(m.running_var)
        c["evaluated"] = numbers(m.eval()(x))
        out.append(c)

    v, g, b = r(4, 3), r(4, 1), r(4)
    out.append(case(
        "weight norm", lambda l: F.linear(l["x"], torch._weight_norm(l["v"], l["g"], 0), l["bias"]),
        {"x": r(5, 3)}, {"v": v, "g": g, "bias": b}))

    u, w = F.normalize(r(4), dim=0), r(4, 3)
    with torch.no_grad():
        right = F.normalize(w.t() @ u, dim=0)
        left = F.normalize(w @ right, dim=0)
    out.append(case(
        "spectral norm", lambda l: F.linear(l["x"], l["weight"] / (left @ l["weight"] @ right), l["bias"]),
        {"x": r(5, 3)}, {"weight": w, "bias": r(4)}, {"u": u, "u_after": left}))

    for name, kind in [("rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)]:
        m = kind(3, 4, batch_first=True)
        out.append(case(name, lambda l, m=m: call(m, "x")(l)[0], {"x": r(2, 5, 3)}, of(m)))

    for causal in [False, True]:
        m = nn.MultiheadAttention(4, 2, batch_first=True)
        mask = torch.triu(torch.full((5, 5), -math.inf), 1) if causal else None
        p = of(m)
        def attend(l, m=m, mask=mask):
            weights = {k: v for k, v in l.items() if k != "x"}
            return torch.func.functional_call(
                m, weights, (l["x"], l["x"], l["x"]), {"attn_mask": mask, "need_weights": False})[0]
        out.append(case(f"attention{' causal' if causal else ''}", attend, {"x": r(2, 5, 4)}, p))

    def adain(l):
        x, s = l["x"], l["style"]
        mean, var = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, unbiased=False)
        scale, shift = F.linear(s, l["weight"], l["bias"]).chunk(2, 1)
        return (1 + scale)[..., None, None] * (x - mean) / torch.sqrt(var + 1e-5) + shift[..., None, None]
    out.append(case("adaptive instance norm", adain, {"x": r(2, 3, 4, 2), "style": r(2, 5)}, {"weight": r(6, 5), "bias": r(6)}))

    def modulated(l):
        s = F.linear(l["style"], l["affine.weight"], l["affine.bias"])
        w = l["weight"][None] * s[:, None, :, None, None]
        w = w * torch.rsqrt((w * w).sum((2, 3, 4), keepdim=True) + 1e-8)
        return torch.cat([F.conv2d(x[None], k, padding=1) for x, k in zip(l["x"], w)])
    out.append(case(
        "modulated conv2d", modulated, {"x": r(2, 2, 4, 3), "style": r(2, 5)},
        {"weight": r(3, 2, 3, 3), "affine.weight": r(2, 5), "affine.bias": 1 + 0.1 * r(2)}))

    m = nn.RNN(3, 4, nonlinearity="relu", batch_first=True)
    out.append(case("rnn relu", lambda l, m=m: call(m, "x")(l)[0], {"x": r(2, 5, 3)}, of(m)))
    return out


def losses():
    out = []
    def add(name, function, **inputs):
        leaves = {k: v.clone().requires_grad_(v.dtype == torch.float32) for k, v in inputs.items()}
        y = function(**leaves)
        y.backward()
        out.append({
            "name": name, "inputs": {k: numbers(v.float()) for k, v in inputs.items()}, "value": y.item(),
            "gradients": {k: numbers(v.grad) for k, v in leaves.items() if v.grad is not None}})

    add("mse", lambda x, y: F.mse_loss(x, y), x=r(4, 3), y=r(4, 3))
    add("bce with logits", lambda x, y: F.binary_cross_entropy_with_logits(x, y), x=3 * r(4, 3), y=torch.rand(4, 3))
    add("cross entropy", lambda x, y: F.cross_entropy(x, y), x=3 * r(5, 4), y=torch.tensor([0, 3, 1, 1, 2]))
    add("gaussian", lambda x, mean, logvar: -torch.distributions.Normal(mean, (.5 * logvar).exp()).log_prob(x).sum(1).mean(),
        x=r(4, 3), mean=r(4, 3), logvar=r(4, 3))
    add("kl to standard normal", lambda mean, logvar: torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (.5 * logvar).exp()), torch.distributions.Normal(0., 1.)).sum(1).mean(),
        mean=r(4, 3), logvar=r(4, 3))
    add("kl of two", lambda mean, logvar, m2, l2: torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, (.5 * logvar).exp()), torch.distributions.Normal(m2, (.5 * l2).exp())).sum(1).mean(),
        mean=r(4, 3), logvar=r(4, 3), m2=r(4, 3), l2=r(4, 3))
    add("hinge critic", lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(), real=r(6), fake=r(6))
    add("hinge generator", lambda fake: -fake.mean(), fake=r(6))
    add("wasserstein critic", lambda real, fake: fake.mean() - real.mean(), real=r(6), fake=r(6))

    def logistics(x, logits, mean, logscale, levels=256):
        """Salimans et al. 2017: x in [-1, 1] in `levels` steps; bins at both ends are open."""
        x = x[..., None]
        inverse, half = torch.exp(-logscale), 1 / (levels - 1)
        plus, minus = inverse * (x - mean + half), inverse * (x - mean - half)
        inside = torch.log(torch.sigmoid(plus) - torch.sigmoid(minus))
        low, high = plus - F.softplus(plus), -F.softplus(minus)
        bins = torch.where(x < -0.999, low, torch.where(x > 0.999, high, inside))
        return -torch.logsumexp(bins + F.log_softmax(logits, -1), -1).mean()
    x = (torch.randint(256, (8,)).float() * 2 / 255 - 1)
    x[0], x[1] = -1, 1
    add("mixture of logistics", logistics, x=x, logits=r(8, 3), mean=0.5 * r(8, 3), logscale=-1.5 + 0.5 * r(8, 3))
    return out


def optimizers():
    """Ten steps of a 4-5-3 tanh network on mean squared error."""
    start = [r(5, 4) * .5, r(5) * .1, r(3, 5) * .5, r(3) * .1]
    x, y = r(6, 4), r(6, 3)
    out = {"x": numbers(x), "y": numbers(y), "before": [numbers(p) for p in start], "runs": []}
    make = {
        "sgd": lambda p: torch.optim.SGD(p, lr=.05),
        "momentum": lambda p: torch.optim.SGD(p, lr=.05, momentum=.9, weight_decay=.01),
        "nesterov": lambda p: torch.optim.SGD(p, lr=.05, momentum=.9, nesterov=True),
        "adam": lambda p: torch.optim.Adam(p, lr=.01),
        "adam with decay": lambda p: torch.optim.Adam(p, lr=.01, weight_decay=.1),
        "adamw": lambda p: torch.optim.AdamW(p, lr=.01, weight_decay=.1),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=.01),
        "rmsprop with momentum": lambda p: torch.optim.RMSprop(p, lr=.01, momentum=.9),
        "adam, clipped by norm": lambda p: torch.optim.Adam(p, lr=.01),
        "sgd, clipped by value": lambda p: torch.optim.SGD(p, lr=.05),
    }
    for name, maker in make.items():
        p = [v.clone().requires_grad_(True) for v in start]
        optimizer, history = maker(p), []
        for step in range(10):
            optimizer.zero_grad()
            loss = F.mse_loss(F.linear(torch.tanh(F.linear(x, p[0], p[1])), p[2], p[3]), y)
            loss.backward()
            if "norm" in name:
                torch.nn.utils.clip_grad_norm_(p, .1)
            if "value" in name:
                torch.nn.utils.clip_grad_value_(p, .02)
            history.append(loss.item())
            optimizer.step()
        out["runs"].append({"name": name, "losses": history, "after": [numbers(v) for v in p]})

    schedules = []
    def schedule(name, maker):
        p = [torch.zeros(1, requires_grad=True)]
        optimizer = torch.optim.SGD(p, lr=1.0)
        scheduler, factors = maker(optimizer), []
        for _ in range(12):
            factors.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        schedules.append({"name": name, "factors": factors})
    s = torch.optim.lr_scheduler
    schedule("step", lambda o: s.StepLR(o, 3, .5))
    schedule("linear", lambda o: s.LinearLR(o, 1., .1, total_iters=8))
    schedule("cosine", lambda o: s.SequentialLR(
        o, [s.CosineAnnealingLR(o, 8, .1), s.ConstantLR(o, .1, total_iters=1000)], [8]))
    out["schedules"] = schedules
    return out


if __name__ == "__main__":
    for name, make in [("layers", layers), ("losses", losses), ("optimizers", optimizers)]:
        torch.manual_seed(11)
        (here / f"{name}.json").write_text(json.dumps(make(), separators=(",", ":")) + "\n")

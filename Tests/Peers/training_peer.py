"""The workloads of `anomalylab bench train`, as PyTorch trains them: one JSON line each, of the same form.

    python3 training_peer.py [WORKLOAD ...] [--seconds S] [--threads N]

Data are random numbers of the right shape: the figures are about speed alone. Needs torch.
"""
import argparse
import json
import math
import time

import torch
from torch import nn
from torch.nn import functional as F


class Perceptron(nn.Sequential):
    def __init__(self, sizes, activation):
        pairs = list(zip(sizes, sizes[1:]))
        parts = []
        for inputs, outputs in pairs[:-1]:
            parts += [nn.Linear(inputs, outputs), activation()]
        super().__init__(*parts, nn.Linear(*pairs[-1]))


class Workload:
    """Parameters and a loss; a step is one Adam update unless a workload says otherwise."""

    unit, per_step = "rows", 0

    def __init__(self):
        self.build()
        parts = [v for v in vars(self).values() if isinstance(v, nn.Module)]
        weights = [p for part in parts for p in part.parameters()]
        self.optimizer = torch.optim.Adam(weights, lr=1e-3) if weights else None

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
        return loss.detach()


def bits(*shape):
    return (torch.rand(*shape) < 0.2).float()


class Autoencoder(Workload):
    """38-32-16-8-16-32-38, tanh, mean squared error."""

    per_step = 256

    def build(self):
        self.net, self.x = Perceptron([38, 32, 16, 8, 16, 32, 38], nn.Tanh), torch.rand(256, 38)

    def loss(self):
        return F.mse_loss(self.net(self.x), self.x)


class VariationalAutoencoder(Workload):
    """784-400-20-400-784, rectifiers, Bernoulli likelihood."""

    per_step = 128

    def build(self):
        self.encoder, self.decoder = nn.Linear(784, 400), Perceptron([20, 400, 784], nn.ReLU)
        self.mean, self.logvar = nn.Linear(400, 20), nn.Linear(400, 20)
        self.x = bits(128, 784)

    def loss(self):
        h = F.relu(self.encoder(self.x))
        mean, logvar = self.mean(h), self.logvar(h)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * logvar)
        likelihood = F.binary_cross_entropy_with_logits(self.decoder(z), self.x, reduction="sum")
        divergence = 0.5 * (mean * mean + logvar.exp() - 1 - logvar).sum()
        return (likelihood + divergence) / self.per_step


class MaskedConvolution(nn.Conv2d):
    def __init__(self, inputs, outputs, size, sees_itself):
        super().__init__(inputs, outputs, size, padding=size // 2)
        mask = torch.zeros(size, size)
        mask[: size // 2] = 1
        mask[size // 2, : size // 2 + sees_itself] = 1
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class PixelCNN(Workload):
    """A 7x7 mask A to 32 channels, five residual 3x3 mask B layers, 1x1 out, on 28x28 bits."""

    unit, per_step = "images", 16

    def build(self):
        self.first = MaskedConvolution(1, 32, 7, False)
        self.middle = nn.ModuleList(MaskedConvolution(32, 32, 3, True) for _ in range(5))
        self.last, self.x = nn.Conv2d(32, 1, 1), bits(16, 1, 28, 28)

    def loss(self):
        h = F.relu(self.first(self.x))
        for layer in self.middle:
            h = h + F.relu(layer(h))
        return F.binary_cross_entropy_with_logits(self.last(h), self.x)


class TransformerBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.merge = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.think = Perceptron([width, 4 * width, width], nn.GELU)

    def forward(self, x):
        rows, length, width = x.shape
        parts = self.project(self.before(x)).view(rows, length, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.merge(seen.transpose(1, 2).reshape(rows, length, width))
        return x + self.think(self.between(x))


class GPT(Workload):
    """4 layers, 4 heads, width 128, 64 positions, 65 symbols, batch 12."""

    unit, per_step = "tokens", 12 * 64

    def build(self):
        self.symbols, self.positions = nn.Embedding(65, 128), nn.Embedding(64, 128)
        self.blocks = nn.Sequential(*(TransformerBlock(128, 4) for _ in range(4)), nn.LayerNorm(128))
        self.head = nn.Linear(128, 65, bias=False)
        self.x, self.y = torch.randint(65, (2, 12, 64))
        self.place = torch.arange(64)

    def loss(self):
        h = self.blocks(self.symbols(self.x) + self.positions(self.place))
        return F.cross_entropy(self.head(h).flatten(0, 1), self.y.flatten())


class LSTM(Workload):
    """Embedding of 64, one layer of 256, 64 symbols of 65, batch 32."""

    unit, per_step = "tokens", 32 * 64

    def build(self):
        self.symbols, self.memory, self.head = nn.Embedding(65, 64), nn.LSTM(64, 256, batch_first=True), nn.Linear(256, 65)
        self.x, self.y = torch.randint(65, (2, 32, 64))

    def loss(self):
        h, _ = self.memory(self.symbols(self.x))
        return F.cross_entropy(self.head(h).flatten(0, 1), self.y.flatten())


class RealNVP(Workload):
    """8 dimensions, 6 affine couplings with 64-64 hidden units."""

    per_step = 256

    def build(self):
        self.couplings = nn.ModuleList(Perceptron([4, 64, 64, 8], nn.ReLU) for _ in range(6))
        self.x = torch.randn(256, 8)

    def loss(self):
        x, volume = self.x, 0
        for net in self.couplings:
            a, b = x.split(4, 1)
            scale, shift = net(a).split(4, 1)
            scale = torch.tanh(scale)
            x = torch.cat([b * torch.exp(scale) + shift, a], 1)
            volume = volume + scale.sum(1)
        return (0.5 * x.square().sum(1) + 4 * math.log(2 * math.pi) - volume).mean()


class RBM(Workload):
    """784 visible and 500 hidden units, one step of contrastive divergence, plain gradient steps by hand."""

    per_step = 100

    def build(self):
        self.w, self.b, self.c = 0.01 * torch.randn(784, 500), torch.zeros(784), torch.zeros(500)
        self.x = bits(100, 784)

    def step(self):
        up = torch.sigmoid(self.x @ self.w + self.c)
        down = torch.bernoulli(torch.sigmoid(torch.bernoulli(up) @ self.w.t() + self.b))
        again = torch.sigmoid(down @ self.w + self.c)
        self.w.add_(self.x.t() @ up - down.t() @ again, alpha=1e-4)
        self.b.add_((self.x - down).sum(0), alpha=1e-4)
        self.c.add_((up - again).sum(0), alpha=1e-4)
        return F.mse_loss(down, self.x)


WORKLOADS = {
    "autoencoder": Autoencoder, "vae": VariationalAutoencoder, "pixelcnn": PixelCNN, "gpt": GPT, "lstm": LSTM,
    "realnvp": RealNVP, "rbm": RBM,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *WORKLOADS], metavar="WORKLOAD")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name in options.names or WORKLOADS:
        torch.manual_seed(0)
        workload = WORKLOADS[name]()
        for _ in range(3):
            loss = workload.step()
        begin, steps, spent = time.perf_counter(), 0, 0.0
        while spent < options.seconds:
            loss = workload.step()
            steps += 1
            spent = time.perf_counter() - begin
        print(json.dumps({
            "workload": name, "unit": workload.unit, "per_s": round(steps * workload.per_step / spent, 1),
            "threads": options.threads, "loss": round(float(loss), 5)}), flush=True)


main()

"""Values for NADETests.swift: logits of a NADE step by step, and the gradient of its mean negative log-likelihood."""
import math, torch

torch.set_default_dtype(torch.float64)
numbers, hidden = 5, 4
wave = lambda count, phase: torch.tensor([math.sin(1.7 * i + phase) for i in range(count)])
w = wave(numbers * hidden, 0.1).reshape(numbers, hidden).requires_grad_()
v = wave(numbers * hidden, 0.2).reshape(numbers, hidden).requires_grad_()
b = wave(numbers, 0.3).requires_grad_()
c = wave(hidden, 0.4).requires_grad_()
x = torch.tensor([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1.0]])

a = c.expand(2, hidden)
logits = []
for j in range(numbers):
    logits.append(b[j] + torch.sigmoid(a) @ v[j])
    a = a + x[:, j : j + 1] * w[j]
logits = torch.stack(logits, 1)
loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()
loss.backward()
show = lambda t: ", ".join(f"{float(u):.6f}" for u in t.detach().flatten())
for name, t in [("logits", logits), ("loss", loss), ("w", w.grad), ("v", v.grad), ("b", b.grad), ("c", c.grad)]:
    print(name, show(t))

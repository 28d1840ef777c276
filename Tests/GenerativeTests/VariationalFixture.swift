// A variational autoencoder of 5 bits with 4 hidden and 2 latent units as PyTorch computes it: the mean of
// BCE(x, decoder(mean code)) + KL and its gradient. Weights are [inputs, outputs], the transpose of
// torch's. Written by this script:
//
// import torch, sys
// torch.manual_seed(3)
// torch.set_default_dtype(torch.float64)
// I, H, C, B = 5, 4, 2, 3
// e = torch.nn.Linear(I, H); m = torch.nn.Linear(H, C); s = torch.nn.Linear(H, C)
// d = torch.nn.Linear(C, H); o = torch.nn.Linear(H, I)
// x = (torch.rand(B, I) > 0.5).double()
// h = torch.relu(e(x)); mean, logvar = m(h), s(h)
// logits = o(torch.relu(d(mean)))
// bce = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
// kl = 0.5 * (mean**2 + logvar.exp() - logvar - 1).sum(-1)
// loss = (bce + kl).mean()
// loss.backward()
// layers = [e, m, s, d, o]
// def flat(g):
//     out = []
//     for l in layers:
//         w, b = (l.weight.grad, l.bias.grad) if g else (l.weight.detach(), l.bias.detach())
//         out += w.t().reshape(-1).tolist() + b.tolist()
//     return out
// def show(name, values):
//     print(f"  static let {name}: [Float] = [")
//     line = "   "
//     for v in values:
//         t = f" {v:.7g},"
//         if len(line + t) > 100: print(line); line = "   "
//         line += t
//     print(line); print("  ]")
// print("enum VariationalFixture {")
// show("rows", x.reshape(-1).tolist())
// show("parameters", flat(False))
// print(f"  static let loss: Float = {loss.item():.7g}")
// show("gradient", flat(True))
// print("}")

enum VariationalFixture {
  static let rows: [Float] = [
    0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 1,
  ]
  static let parameters: [Float] = [
    -0.4167063, 0.0968223, -0.2804177, -0.3693649, -0.1907453, -0.2694666, 0.08446988, -0.3444465,
    0.2441025, -0.05955496, -0.04738874, 0.02966535, -0.2907541, -0.08511195, -0.1413573, 0.4016047,
    0.2284098, 0.2491423, 0.4204188, -0.3333978, 0.1425509, 0.04155462, -0.4031863, -0.2100713,
    -0.05882179, 0.06513487, -0.4153672, 0.2137213, -0.06748712, 0.3386365, 0.0697474, -0.458226,
    -0.4957577, -0.4022129, -0.3681949, -0.01536511, 0.3604395, 0.4116217, -0.3144799, 0.05279043,
    -0.04211535, -0.110377, -0.1055314, 0.09160004, -0.2238081, 0.2063947, -0.2857574, 0.2550914,
    -0.1789665, 0.1175761, -0.6137343, -0.1080362, 0.3447719, 0.2061147, -0.1652194, 0.3350144,
    -0.1577938, -0.3669563, -0.2469342, 0.3421442, 0.127352, -0.1637361, -0.159919, 0.1570664,
    -0.2635445, 0.4814667, -0.1416951, -0.4899361, -0.4887537, -0.3540599, 0.4674164, -0.05850681,
    -0.4181629, 0.4992637, -0.3233871, -0.346622, 0.1072575, 0.002899731, -0.4886866, -0.486303,
    0.2938322,
  ]
  static let loss: Float = 3.979351
  static let gradient: [Float] = [
    0, 0.04202563, 0, 0, 0, 0.04202563, 0, 0, 0.01396628, 0.06325196, 0, 0, 0.01396628, 0.06325196,
    0, 0, 0.01396628, 0.1052776, 0, 0, 0.01396628, 0.1052776, 0, 0, -0.06801494, -0.03822967,
    -0.0489396, -0.03327095, 0, 0, 0, 0, -0.6254666, -0.5923867, -0.008555161, 0.008542126,
    -0.005053175, 0.006807421, 0, 0, 0, 0, -0.053245, 0.06740983, -0.01842885, 0.003341529,
    -0.163662, -0.03303889, -0.02130924, -0.00937807, -0.1324535, -0.02369838, 0.04497487,
    0.01006222, 0.3300878, 0.06087097, 0.08427227, -0.1411961, -0.1659651, -0.1500275, -0.03708098,
    0.008508682, -0.01504603, -0.01627734, -0.01477417, -0.001431018, 0.0342481, -0.06063263,
    -0.06793687, -0.06137793, -0.01340814, 0.03840748, -0.06777623, -0.07493676, -0.06784303,
    -0.01126365, 0.1591258, -0.2672617, -0.3124792, -0.2825792, -0.06649601,
  ]
}

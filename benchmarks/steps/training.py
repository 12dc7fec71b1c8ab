"""Steps of training: forward, loss, backward, update. Each model is written once, for our `nn` and for PyTorch's: the same
lines run on both.
"""


def tiny_mlp(nn, generator):
    """2-16-16-1, tanh, batch 32, mean squared error."""
    layers = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    return layers, nn.MSELoss(), normals(generator, 32, 2), normals(generator, 32, 1)


def mlp(nn, generator):
    """784-256-128-10, ReLU, batch 64, cross-entropy."""
    layers = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    return layers, nn.CrossEntropyLoss(), normals(generator, 64, 784), generator.integers(0, 10, 64)


def cnn(nn, generator):
    """Two convolutions of 3 x 3 with pooling, and a linear layer; 64 pictures of 28 x 28."""
    layers = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 7 * 7, 10)),
    )
    return layers, nn.CrossEntropyLoss(), normals(generator, 64, 1, 28, 28), generator.integers(0, 10, 64)


def lstm(nn, generator):
    """One LSTM layer, input 32, hidden 128, 64 steps, batch 32; a linear layer on the last output."""

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(32, 128, batch_first=True)
            self.head = nn.Linear(128, 10)

        def forward(self, x):
            out, _ = self.lstm(x)
            return self.head(out[:, -1])

    return Last(), nn.CrossEntropyLoss(), normals(generator, 32, 64, 32), generator.integers(0, 10, 32)


def gpt(nn, generator):
    """A character model: 4 blocks, width 128, 4 heads, 64 places, batch 16, 65 characters."""
    width, heads, places, batch, characters = 128, 4, 64, 16, 65
    functional = nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.qkv, self.out = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.between = nn.LayerNorm(width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x):
            qkv = self.qkv(self.before(x)).reshape(batch, places, 3, heads, width // heads)
            q, k, v = (qkv[:, :, i].swapaxes(1, 2) for i in range(3))
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(mixed.swapaxes(1, 2).reshape(batch, places, width))
            return x + self.mlp(self.between(x))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.characters, self.places = nn.Embedding(characters, width), nn.Embedding(places, width)
            self.blocks = nn.Sequential(*(Block() for _ in range(4)))
            self.last, self.head = nn.LayerNorm(width), nn.Linear(width, characters)

        def forward(self, text):
            x = self.characters(text[0]) + self.places(text[1])
            return self.head(self.last(self.blocks(x))).reshape(-1, characters)

    text = generator.integers(0, characters, (batch, places)), generator.integers(0, places, (1, places))
    return Model(), nn.CrossEntropyLoss(), text, generator.integers(0, characters, batch * places)


def normals(generator, *shape):
    """Normal numbers in float32."""
    import numpy as np

    return generator.standard_normal(shape, dtype=np.float32)


def step_of(nn, optim, model, optimizer, made):
    """The step, for either library; `made` makes an input of an array."""
    import numpy as np

    layers, loss, x, target = globals()[model](nn, np.random.default_rng(0))
    x = tuple(map(made, x)) if isinstance(x, tuple) else made(x)
    target = made(target)
    updates = getattr(optim, optimizer)(layers.parameters(), lr=1e-3)

    def step():
        updates.zero_grad()
        loss(layers(x), target).backward()
        updates.step()

    return step


def with_ours(model, optimizer):
    import nn
    import optim
    from autograd import Tensor

    return step_of(nn, optim, model, optimizer, lambda x: Tensor(x, requires_grad=False))


def with_torch(model, optimizer):
    import torch

    return step_of(torch.nn, torch.optim, model, optimizer, torch.tensor)

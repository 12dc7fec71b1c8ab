"""Steps of training: forward, loss, backward, update. Each model is written once, for our `nn` and for PyTorch's: the same
lines run on both. Those for libraries without layers are in `functional.py`.
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


def seeded():
    """Random numbers, the same for every library."""
    import numpy as np

    return np.random.default_rng(0)


def functions(model, np):
    """The module of functions, and the model from it: first values, loss and data."""
    from steps import functional

    return functional, *getattr(functional, model)(np, seeded())


def step_of(nn, optim, model, optimizer, made, joined=lambda forward: forward):
    """The step, for either library; `made` makes an input of an array, `joined` may compile the forward pass."""
    layers, loss, x, target = globals()[model](nn, seeded())
    x = tuple(map(made, x)) if isinstance(x, tuple) else made(x)
    target = made(target)
    updates = getattr(optim, optimizer)(layers.parameters(), lr=1e-3)
    loss_of = joined(lambda x, target: loss(layers(x), target))

    def step():
        updates.zero_grad()
        loss_of(x, target).backward()
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


def with_torch_compile(model, optimizer):
    """Forward and backward compiled; the update is PyTorch's own, as with_torch has it."""
    import torch

    return step_of(torch.nn, torch.optim, model, optimizer, torch.tensor, torch.compile)


def with_jax(model, optimizer):
    """The whole step, update included, as one compiled function."""
    import jax

    functional, parameters, loss, data = functions(model, jax.numpy)
    parameters, data = [jax.numpy.asarray(p) for p in parameters], [jax.numpy.asarray(a) for a in data]
    update = getattr(functional, optimizer)

    @jax.jit
    def whole(data, parameters, state, t):
        value, gradients = jax.value_and_grad(loss)(parameters, *data)
        return value, *update(jax.numpy, parameters, gradients, state, t)

    held = [parameters, functional.state_of(parameters), 0]

    def step():
        held[2] += 1
        _, held[0], held[1] = jax.block_until_ready(whole(data, *held))

    return step


def with_hips(model, optimizer):
    import autograd.numpy as np  # HIPS: the process has no other autograd
    from autograd import value_and_grad

    functional, parameters, loss, data = functions(model, np)
    both, update = value_and_grad(loss), getattr(functional, optimizer)
    held = [parameters, functional.state_of(parameters), 0]

    def step():
        held[2] += 1
        _, gradients = both(held[0], *data)
        held[0], held[1] = update(np, held[0], gradients, held[1], held[2])

    return step


def with_mygrad(model, optimizer):
    import mygrad
    import numpy as np

    functional, parameters, loss, data = functions(model, mygrad)
    update = getattr(functional, optimizer)
    tensors = [mygrad.tensor(p) for p in parameters]
    held = [functional.state_of(parameters), 0]

    def step():
        held[1] += 1
        loss(tensors, *data).backward()
        values, gradients = [p.data for p in tensors], [p.grad for p in tensors]
        new, held[0] = update(np, values, gradients, held[0], held[1])
        for p, value in zip(tensors, new, strict=True):
            p.data[...] = value
            p.null_grad()

    return step

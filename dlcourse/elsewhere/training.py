"""What `dlcourse doctor` asks elsewhere: does a small network learn digits in this framework?"""

import time

from dlcourse import backends, data, runtime


def pytorch() -> dict:
    """Train in PyTorch; see `_trained`."""
    from torch import cuda, nn

    runtime.seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    return _trained(model, cuda.get_device_name() if cuda.is_available() else "the CPU")


def keras() -> dict:
    """Train in Keras; see `_trained`."""
    import tensorflow
    from keras import Sequential, layers

    runtime.seed(0)
    model = Sequential([layers.Dense(64, "relu"), layers.Dense(10)])
    return _trained(model, "a GPU" if tensorflow.config.list_physical_devices("GPU") else "the CPU")


def _trained(model, device):
    """Return the accuracy on 300 test digits, the seconds of training, and what trained."""
    digits, start = data.load("digits"), time.perf_counter()
    train, test = digits.train, digits.test
    options = {"epochs": 8, "learning_rate": 0.005, "show": False}
    backends.fit(model, train.features, train.labels, **options)
    seconds = time.perf_counter() - start
    accuracy = backends.evaluate(model, test.features, test.labels).accuracy
    return {"accuracy": accuracy, "seconds": seconds, "device_fact": device}

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The peers of fovea's benchmark: the same models in Keras, PyTorch, torch.compile and ONNX Runtime.

One process times one model in one framework. It builds the model, checks its parameter count, warms up, prints
{"ready": true, "parameters": N, ...} and waits. On each line "run SECONDS" it runs whole steps for that long and
prints {"img_s": ..., ...}; it ends at the end of its input. While it waits it uses no processor, so several of them
can be started side by side and take turns: see `compare`.

A step of `train` is forward + loss + backward + optimizer on a batch already in memory, dropout on; a step of `infer`
is batch to probabilities. There is more than one way to ask each framework for the same work (XLA or not,
channels-last or not, ...). With `--variant auto` they are tried for a moment, each in a process of its own, and this
process becomes the fastest: its memory is then that of one way only.

Models whose weights come with known answers can be checked: `--check FILE.safetensors` (Keras's order of weights,
`x`, `labels`, `probabilities`, `loss_trace`).
"""
import argparse, importlib.util, itertools, json, math, os, shutil, subprocess, sys, tempfile, time
from collections import namedtuple

Model = namedtuple("Model", "image classes batches modes parameters dropout smoothing weight_decay")
BOTH = ("train", "infer")
MODELS = {  # batches: those that are timed unless another is asked for
    "mnist-mha":         Model((28, 28, 1), 10, (128,), BOTH, 472_906, 0.0, 0.0, 0.0),
    "mnist-mha-heads":   Model((28, 28, 1), 10, (128,), BOTH, 472_906, 0.0, 0.0, 0.0),
    "fashion-attention": Model((28, 28, 1), 10, (64,), BOTH, 1_203_978, 0.0, 0.0, 0.0),
    "eanet-cifar100":    Model((32, 32, 3), 100, (128,), BOTH, 361_380, 0.2, 0.1, 1e-4),
    "vit-cifar100":      Model((32, 32, 3), 100, (128,), BOTH, 623_268, 0.2, 0.1, 1e-4),
    # What is trained of it, the layers behind the frozen backbone; an "image" is the backbone's output for one.
    "cats-dogs-mhsa":    Model((49, 1280), 2, (32,), ("train",), 6_887_170, 0.5, 0.0, 0.0),
    "mobilenet-v2":      Model((224, 224, 3), 1000, (1, 32), ("infer",), 3_538_984, 0.0, 0.0, 0.0),
}
BLOCKS, TOKENS, WIDTH = 8, 256, 64   # of the two CIFAR-100 models
INVERTED_RESIDUALS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                      (6, 320, 1, 1))  # of MobileNetV2: expansion, filters, blocks, stride of the first
MOST_IMAGE_BATCHES, LABEL_BATCHES = 16, 61  # coprime: labels never repeat with their images, so nothing is learnt by
                                            # heart and gradients stay of ordinary size
MOST_IMAGE_VALUES = 1 << 24                 # 64 MB
NEEDS = {"keras": ["tensorflow", "keras"], "torch": ["torch"], "torch-compile": ["torch"], "onnxruntime": ["onnxruntime"]}
EXPORT_NEEDS = ["torch", "onnx", "onnxscript"]     # to make the file that ONNX Runtime reads
MISSING = 3                                        # exit code: something this peer needs is not installed


def ways(framework, model, mode):
    """What can be chosen in asking a framework for this work: a tuple of alternatives for each choice.

    How idle threads wait (spinning, or passive: asleep at once) is one of them: spinning is faster on a machine of
    one's own, and many times slower where other programs want the same cores."""
    layout = ("contiguous",) if "cifar" in model or "cats" in model else ("contiguous", "channels-last")
    attention = ("explicit",) if "eanet" in model or "mobilenet" in model else ("explicit", "sdpa")
    waiting = ("spinning", "passive")
    if framework == "keras":
        return [("graph", "xla", "on-batch")]
    if framework == "onnxruntime":
        return [attention, waiting]
    if framework == "torch-compile" and mode == "infer":
        return [layout, attention, ("freezing", "plain"), waiting]
    return [layout, attention, waiting]


def data(model, batch):
    """Random images (batches, batch, height, width, channels) in 0..1 and labels (batches, batch)."""
    import numpy
    random = numpy.random.default_rng(0)
    batches = min(MOST_IMAGE_BATCHES, max(1, MOST_IMAGE_VALUES // (batch * math.prod(model.image))))
    images = random.random((batches, batch, *model.image), dtype=numpy.float32)
    labels = random.integers(0, model.classes, (LABEL_BATCHES, batch)).astype(numpy.int64)
    return images, labels


# --- Keras on TensorFlow ---------------------------------------------------------------------------------------------

def keras_model(name, dropout):
    """The model up to its logits, layers in the order in which their weights are stored."""
    import tensorflow as tf
    from keras import Input, Model as KerasModel, applications, layers, ops

    class NormL(layers.Layer):
        def build(self, shape):
            self.a = self.add_weight(name="a", shape=(1, shape[-1]), initializer="ones")
            self.b = self.add_weight(name="b", shape=(1, shape[-1]), initializer="zeros")

        def call(self, x):
            centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
            deviation = tf.sqrt(tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True))
            return centred / (deviation + 1e-6) * self.a + self.b

    class PositionEmbedding(layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(name="table", shape=shape[1:], initializer="uniform")

        def call(self, x):
            return x + self.table

    def mnist():
        x = layers.MaxPooling2D(2)(layers.Conv2D(32, 2, padding="same", activation="relu")(image))
        x = layers.MaxPooling2D(2, padding="same")(layers.Conv2D(64, 2, activation="relu")(x))
        x = layers.Reshape((36, 192))(layers.Conv2D(192, 2, activation="relu")(x))
        query, key, value = (layers.Reshape((36, 8, 24))(layers.Dense(192, activation="relu", name=role)(x))
                             for role in ("query", "key", "value"))
        over_positions = name == "mnist-mha"
        if over_positions:  # (batch, heads, positions, 24), else (batch, positions, heads, 24)
            query, key, value = (ops.transpose(t, (0, 2, 1, 3)) for t in (query, key, value))
        scores = ops.matmul(query * 24 ** -0.5, ops.transpose(key, (0, 1, 3, 2)))
        y = ops.matmul(ops.softmax(scores), value)
        y = layers.Reshape((36, 192))(ops.transpose(y, (0, 2, 1, 3)) if over_positions else y)
        y = NormL()(layers.Dense(32, activation="relu")(y + x))
        return layers.Dense(10)(layers.Dense(256, activation="relu")(layers.Flatten()(y)))

    def fashion():
        x = layers.Conv2D(64, 3)(layers.Conv2D(32, 3)(image))
        x = layers.Reshape((144, 64))(layers.MaxPooling2D(2)(x))
        query, key = layers.Dense(32, use_bias=False, name="query")(x), layers.Dense(32, use_bias=False, name="key")(x)
        y = layers.Flatten()(layers.Attention()([query, x, key]))
        return layers.Dense(10)(layers.Dense(128, activation="relu")(y))

    def external_attention(x):
        x = ops.transpose(layers.Reshape((TOKENS, 16, 16))(layers.Dense(4 * WIDTH)(x)), (0, 2, 1, 3))
        x = ops.softmax(layers.Dense(16)(x), axis=2)
        x = layers.Dropout(dropout)(x / (1e-9 + ops.sum(x, axis=-1, keepdims=True)))
        x = layers.Reshape((TOKENS, 4 * WIDTH))(ops.transpose(layers.Dense(16)(x), (0, 2, 1, 3)))
        return layers.Dropout(dropout)(layers.Dense(WIDTH)(x))

    def self_attention(x):
        return layers.MultiHeadAttention(num_heads=4, key_dim=64, dropout=dropout)(x, x)

    def transformer(attention):
        x = layers.Reshape((16, 2, 16, 6))(image)  # rows of patches, rows in a patch, patches, pixels in a row
        x = layers.Reshape((TOKENS, 12))(ops.transpose(x, (0, 1, 3, 2, 4)))
        x = PositionEmbedding()(layers.Dense(WIDTH)(x))
        for _ in range(BLOCKS):
            x = x + attention(layers.LayerNormalization(epsilon=1e-5)(x))
            y = layers.Dense(WIDTH, activation=ops.gelu)(layers.LayerNormalization(epsilon=1e-5)(x))
            x = x + layers.Dropout(dropout)(layers.Dense(WIDTH)(layers.Dropout(dropout)(y)))
        return layers.Dense(100)(layers.GlobalAveragePooling1D()(x))

    def cats_and_dogs():
        tokens, width = image.shape[1:]
        query, key, value = (ops.transpose(layers.Reshape((tokens, 8, width // 8))(layers.Dense(width, name=role)(image)),
                                           (0, 2, 1, 3)) for role in ("query", "key", "value"))
        weights = ops.softmax(ops.matmul(query * (width // 8) ** -0.5, ops.transpose(key, (0, 1, 3, 2))))
        y = layers.Reshape((tokens, width))(ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3)))
        y = layers.GlobalAveragePooling1D()(layers.Dense(width, name="combine")(y))
        return layers.Dense(2)(layers.Dropout(dropout)(layers.Dense(256, activation="relu")(y)))

    def mobilenet():
        return applications.MobileNetV2(input_tensor=image, weights=None, classifier_activation=None).output

    image = Input(MODELS[name].image)
    builders = {"mnist-mha": mnist, "mnist-mha-heads": mnist, "fashion-attention": fashion,
                "eanet-cifar100": lambda: transformer(external_attention),
                "vit-cifar100": lambda: transformer(self_attention),
                "cats-dogs-mhsa": cats_and_dogs, "mobilenet-v2": mobilenet}
    return KerasModel(image, builders[name]())


class KerasPeer:
    def __init__(self, options, model):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        os.environ["KERAS_BACKEND"] = "tensorflow"
        import tensorflow as tf
        import keras
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(options.threads)
        self.version = f"Keras {keras.__version__}, TensorFlow {tf.__version__}"
        self.network = keras_model(options.model, 0.0 if options.check else model.dropout)
        self.parameters = self.network.count_params()
        self.tensor, network = tf.convert_to_tensor, self.network
        optimizer = (keras.optimizers.AdamW(1e-3, weight_decay=model.weight_decay) if model.weight_decay
                     else keras.optimizers.Adam(1e-3))
        optimizer.build(network.trainable_variables)

        def cross_entropy(labels, logits):
            labels = tf.cast(labels, tf.int64)  # train_on_batch hands them over as floats
            if not model.smoothing:
                return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
            off = model.smoothing / model.classes
            target = tf.one_hot(labels, model.classes, on_value=1 - model.smoothing + off, off_value=off)
            return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))

        def train(images, labels):
            with tf.GradientTape() as tape:
                loss = cross_entropy(labels, network(images, training=True))
            optimizer.apply_gradients(zip(tape.gradient(loss, network.trainable_variables), network.trainable_variables))
            return loss

        def infer(images):
            return tf.nn.softmax(network(images, training=False))

        if options.first_prediction:
            self.train, self.infer = train, infer
        elif options.variant == "on-batch":
            network.compile(optimizer=optimizer, loss=cross_entropy, jit_compile=False)
            self.train, self.infer = network.train_on_batch, network.predict_on_batch
        else:
            compiled = {"jit_compile": True} if options.variant == "xla" else {}
            self.train, self.infer = tf.function(train, **compiled), tf.function(infer, **compiled)

    def load(self, weights):
        for variable, (_, value) in zip(self.network.trainable_weights, weights, strict=True):
            variable.assign(value.reshape(variable.shape))


# --- PyTorch ---------------------------------------------------------------------------------------------------------

def torch_model(name, sdpa, dropout):
    """The model up to its logits from (batch, channels, height, width), parameters in the same order as Keras's."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    def attend(query, key, value, scale, dropout=0.0):
        if sdpa:
            return F.scaled_dot_product_attention(query, key, value, scale=scale, dropout_p=dropout)
        return F.dropout(torch.softmax(query @ key.mT * scale, -1), dropout, dropout > 0) @ value

    class NormL(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.a, self.b = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

        def forward(self, x):
            deviation, mean = torch.std_mean(x, dim=-1, correction=0, keepdim=True)
            return (x - mean) / (deviation + 1e-6) * self.a + self.b

    class HeadAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.query, self.key, self.value = (nn.Linear(192, 192) for _ in range(3))
            self.projection, self.over_positions = nn.Linear(192, 32), name == "mnist-mha"

        def forward(self, image):
            x = image.flatten(2).mT  # (batch, 36, 192)
            heads = [torch.relu(layer(x)).unflatten(-1, (8, 24)) for layer in (self.query, self.key, self.value)]
            if self.over_positions:
                y = attend(*(head.transpose(1, 2) for head in heads), 24 ** -0.5).transpose(1, 2)
            else:
                y = attend(*heads, 24 ** -0.5)
            return torch.relu(self.projection(y.flatten(2) + x))

    class SequenceAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.query, self.key = nn.Linear(64, 32, bias=False), nn.Linear(64, 32, bias=False)

        def forward(self, image):
            x = image.flatten(2).mT  # (batch, 144, 64)
            query, key, value = (t.unsqueeze(1) for t in (self.query(x), self.key(x), x))
            return attend(query, key, value, 1.0).squeeze(1)

    class ExternalAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.enter, self.memory_key = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(16, 16)
            self.memory_value, self.leave = nn.Linear(16, 16), nn.Linear(4 * WIDTH, WIDTH)
            self.attention_dropout, self.projection_dropout = nn.Dropout(dropout), nn.Dropout(dropout)

        def forward(self, x):
            x = torch.softmax(self.memory_key(self.enter(x).unflatten(-1, (16, 16)).transpose(1, 2)), dim=2)
            x = self.attention_dropout(x / (1e-9 + x.sum(-1, keepdim=True)))
            return self.projection_dropout(self.leave(self.memory_value(x).transpose(1, 2).flatten(2)))

    class SelfAttention(nn.Module):
        def __init__(self, width, heads, size, dropout=0.0):
            super().__init__()
            self.query, self.key, self.value = (nn.Linear(width, heads * size) for _ in range(3))
            self.leave = nn.Linear(heads * size, width)
            self.heads, self.size, self.dropout = heads, size, dropout

        def forward(self, x):
            heads = [layer(x).unflatten(-1, (self.heads, self.size)).transpose(1, 2)
                     for layer in (self.query, self.key, self.value)]
            y = attend(*heads, self.size ** -0.5, self.dropout if self.training else 0.0)
            return self.leave(y.transpose(1, 2).flatten(2))

    class Average(nn.Module):
        def forward(self, x):
            return x.mean(1)  # over the tokens

    class Residual(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    class Transformer(nn.Module):
        def __init__(self, attention):
            super().__init__()
            norm = lambda: nn.LayerNorm(WIDTH, eps=1e-5)
            self.embed, self.position = nn.Linear(12, WIDTH), nn.Parameter(torch.empty(TOKENS, WIDTH).uniform_(-0.05, 0.05))
            self.blocks = nn.Sequential(*(layer for _ in range(BLOCKS) for layer in (
                Residual(norm(), attention()),
                Residual(norm(), nn.Linear(WIDTH, WIDTH), nn.GELU("tanh"), nn.Dropout(dropout),
                         nn.Linear(WIDTH, WIDTH), nn.Dropout(dropout)))))
            self.classify = nn.Linear(WIDTH, 100)

        def forward(self, image):
            patches = image.reshape(-1, 3, 16, 2, 16, 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, TOKENS, 12)
            return self.classify(self.blocks(self.embed(patches) + self.position).mean(1))

        def named_parameters(self, *args, **options):  # as Keras stores them: the position table after the first dense
            found = dict(super().named_parameters(*args, **options))
            first = ["embed.weight", "embed.bias", "position"]
            yield from ((key, found[key]) for key in first + [key for key in found if key not in first])

    def convolution(channels, filters, size=1, stride=1, groups=1, activation=True):
        convolve = nn.Conv2d(channels, filters, size, stride, size // 2, groups=groups, bias=False)
        nn.init.kaiming_normal_(convolve.weight)  # activations keep their size through all the layers
        yield from (convolve, nn.BatchNorm2d(filters, eps=1e-3))
        if activation:
            yield nn.ReLU6(inplace=True)

    def inverted_residual(channels, filters, expansion, stride):
        inner = channels * expansion
        layers = [*(convolution(channels, inner) if expansion > 1 else ()), *convolution(inner, inner, 3, stride, inner),
                  *convolution(inner, filters, activation=False)]
        return Residual(*layers) if channels == filters and stride == 1 else nn.Sequential(*layers)

    def mobilenet():
        layers, channels = [*convolution(3, 32, 3, 2)], 32
        for expansion, filters, blocks, stride in INVERTED_RESIDUALS:
            for index in range(blocks):
                layers.append(inverted_residual(channels, filters, expansion, 1 if index else stride))
                channels = filters
        return nn.Sequential(*layers, *convolution(channels, 1280), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                             nn.Linear(1280, 1000))

    if name == "cats-dogs-mhsa":
        width = MODELS[name].image[-1]
        return nn.Sequential(SelfAttention(width, 8, width // 8), Average(), nn.Linear(width, 256), nn.ReLU(),
                             nn.Dropout(dropout), nn.Linear(256, 2))
    if name == "mobilenet-v2":
        return mobilenet()
    if name.startswith("mnist"):
        return nn.Sequential(
            nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(1, 32, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 2), nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True), nn.Conv2d(64, 192, 2), nn.ReLU(), HeadAttention(), NormL(32), nn.Flatten(),
            nn.Linear(1152, 256), nn.ReLU(), nn.Linear(256, 10))
    if name == "fashion-attention":
        return nn.Sequential(nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3), nn.MaxPool2d(2), SequenceAttention(), nn.Flatten(),
                             nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))
    return Transformer(ExternalAttention if name == "eanet-cifar100" else lambda: SelfAttention(WIDTH, 4, 64, dropout))


def count_parameters(network):
    """What batch norms have seen of their inputs included."""
    return sum(values.numel() for values in network.state_dict().values() if values.is_floating_point())


class TorchPeer:
    def __init__(self, options, model):
        import torch
        torch.set_num_threads(options.threads)
        torch.set_flush_denormal(True)  # as TensorFlow does
        flags = options.variant.split("+")
        self.version, channels_last = f"PyTorch {torch.__version__}", "channels-last" in flags
        layout = torch.channels_last if channels_last else torch.contiguous_format
        network = torch_model(options.model, "sdpa" in flags, 0.0 if options.check else model.dropout)
        self.network = network = network.to(memory_format=layout).train(options.mode == "train")
        self.parameters = count_parameters(network)
        Optimizer, decay = (torch.optim.AdamW if model.weight_decay else torch.optim.Adam), model.weight_decay
        optimizer = Optimizer(network.parameters(), lr=1e-3, eps=1e-7, weight_decay=decay, fused=True)

        def loss_of(images, labels):
            return torch.nn.functional.cross_entropy(network(images), labels, label_smoothing=model.smoothing)

        def probabilities(images):
            return torch.softmax(network(images), -1)

        if options.framework == "torch-compile":
            torch._inductor.config.freezing = "freezing" in flags  # weights packed once: for inference only
            loss_of, probabilities = torch.compile(loss_of), torch.compile(probabilities)

        def train(images, labels):
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(images, labels)
            loss.backward()
            optimizer.step()
            return loss.detach()

        def infer(images):
            with torch.inference_mode():
                return probabilities(images)

        def tensor(array):
            if array.ndim < 4:
                return torch.from_numpy(array)
            return torch.from_numpy(array).permute(0, 3, 1, 2).contiguous(memory_format=layout)

        self.train, self.infer, self.tensor = train, infer, tensor

    def load(self, weights):
        import torch
        for (name, parameter), (_, value) in zip(self.network.named_parameters(), weights, strict=True):
            if value.ndim == 4:
                value = value.transpose(3, 2, 0, 1)  # (height, width, in, out) to (out, in, height, width)
            elif name.endswith("weight") and value.ndim > 1:  # dense (in, out), either of which may be (heads, size)
                value = value.reshape(parameter.shape[1], parameter.shape[0]).T
            parameter.data.copy_(torch.from_numpy(value.copy()).reshape(parameter.shape))


def export(options):
    """Writes the PyTorch model as ONNX, in the process that does only this."""
    import torch
    model = MODELS[options.model]
    network = torch_model(options.model, "sdpa" in options.variant, 0.0).eval()
    assert count_parameters(network) == model.parameters, options.model
    probabilities = torch.nn.Sequential(network, torch.nn.Softmax(-1))
    height, width, channels = model.image
    example = torch.zeros(options.batch, channels, height, width)
    torch.onnx.export(probabilities, (example,), options.export, dynamo=True, external_data=False, verbose=False)


# --- ONNX Runtime ----------------------------------------------------------------------------------------------------

class OnnxRuntimePeer:
    def __init__(self, options, model):
        import numpy
        import onnxruntime
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads, settings.inter_op_num_threads = options.threads, 1
        settings.log_severity_level = 3
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0" if "passive" in options.variant else "1")
        session = onnxruntime.InferenceSession(options.onnx, settings, providers=["CPUExecutionProvider"])
        self.version, entry = f"ONNX Runtime {onnxruntime.__version__}", session.get_inputs()[0].name
        self.parameters = model.parameters  # asserted where the file was exported from
        self.infer = lambda images: session.run(None, {entry: images})[0]
        self.tensor = lambda array: array if array.ndim == 1 else numpy.ascontiguousarray(array.transpose(0, 3, 1, 2))


# --- running ---------------------------------------------------------------------------------------------------------

def peak_memory():
    """Largest resident set so far, in MB (of this program alone, where the system says so)."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds_since_start():
    """Since this process began, interpreter and imports included (Linux: in hundredths)."""
    with open("/proc/self/stat") as stat:
        ticks = int(stat.read().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def again(options, *more):
    """The command line of this very run, with more options (which win over earlier ones)."""
    return [sys.executable, os.path.abspath(__file__), *options.given, *more]


def exported(options):
    """The ONNX file for this model and batch, made by another process when it is not there yet."""
    folder = os.path.join(tempfile.gettempdir(), f"fovea-bench-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, f"{options.model}-{options.batch}-{'sdpa' if 'sdpa' in options.variant else 'explicit'}.onnx")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(__file__):
        partial = path + ".partial"
        subprocess.run(again(options, "--variant", options.variant, "--export", partial), check=True, stdout=sys.stderr)
        os.replace(partial, path)
    return path


def choose(options):
    """Settles one choice after the other by short trials, each in a process of its own, and becomes the fastest way.
    Does not return."""
    choices = ways(options.framework, options.model, options.mode)
    best, rates = [alternatives[0] for alternatives in choices], {}

    def rate(flags):
        variant = "+".join(flags)
        if variant not in rates:
            trial = subprocess.run(again(options, "--variant", variant), input="run 1\nrun 1\n", text=True, stdout=subprocess.PIPE)
            answers = [json.loads(line) for line in trial.stdout.splitlines()]
            rates[variant] = max((answer.get("img_s", 0.0) for answer in answers), default=0.0)
        return rates[variant]

    for index, alternatives in reversed(list(enumerate(choices))):  # how to wait first: it matters most
        best = max((best[:index] + [flag] + best[index + 1:] for flag in alternatives), key=rate)
    if not rate(best):
        sys.exit(f"peers.py: no way found in which {options.framework} runs {options.model} ({options.mode})")
    command = again(options, "--variant", "+".join(best), "--trials", json.dumps(rates))
    os.execv(command[0], command)


def check(peer, path):
    """Largest differences from known answers: probabilities, then the losses of ten steps on one batch."""
    import numpy
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        body = file.read()
    types = {"F32": numpy.float32, "I32": numpy.int32, "I64": numpy.int64}
    known = {name: numpy.frombuffer(body[slice(*entry["data_offsets"])], types[entry["dtype"]]).reshape(entry["shape"])
             for name, entry in header.items() if name != "__metadata__"}
    peer.load(sorted((name, value) for name, value in known.items() if name[0] == "w" and name[1:4].isdigit()))
    images, labels = peer.tensor(known["x"].copy()), peer.tensor(known["labels"].astype(numpy.int64))
    probabilities = numpy.abs(numpy.asarray(peer.infer(images)) - known["probabilities"]).max()
    losses = [abs(float(peer.train(images, labels)) - expected) for expected in known["loss_trace"]]
    return {"probabilities": float(probabilities), "losses": [float(f"{loss:.2g}") for loss in losses]}


def serve(peer, options, model, say):
    """Warms up, then answers each "run SECONDS" with the images a second of that long."""
    images, labels = data(model, options.batch)
    images, labels = [peer.tensor(batch) for batch in images], [peer.tensor(batch) for batch in labels]
    count = itertools.count()

    def step():
        index = next(count)
        image_batch, label_batch = images[index % len(images)], labels[index % LABEL_BATCHES]
        return float(peer.train(image_batch, label_batch)) if options.mode == "train" else peer.infer(image_batch)

    def run(seconds, steps=1):
        """Steps until both have passed; returns how many and in what time."""
        begin, done = time.perf_counter(), 0
        while done < steps or time.perf_counter() - begin < seconds:
            step()
            done += 1
        return done, time.perf_counter() - begin

    run(0.5, steps=2)
    say({"ready": True, "framework": options.framework, "version": peer.version, "model": options.model,
         "mode": options.mode, "batch": options.batch, "threads": options.threads, "parameters": peer.parameters,
         "variant": options.variant, "trials": json.loads(options.trials), "peak_mb": round(peak_memory(), 1)})
    for line in sys.stdin:
        steps, elapsed = run(float(line.split()[1]))
        say({"img_s": round(steps * options.batch / elapsed, 1), "steps": steps, "seconds": round(elapsed, 3),
             "peak_mb": round(peak_memory(), 1)})


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog='then, on standard input: "run SECONDS" lines')
    parser.add_argument("--framework", choices=NEEDS, required=True)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--mode", choices=["train", "infer"], default="train")
    parser.add_argument("--batch", type=int, help="default: the recipe's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--variant", default="auto", help="a way to run, as the answers name it, or auto: the fastest found by trying")
    parser.add_argument("--first-prediction", action="store_true", help="say how long after the start of the process the "
                        "first prediction (batch 1 unless --batch) is there, and end")
    parser.add_argument("--check", metavar="FILE", help="compare with known answers, and end")
    for internal in ("--trials", "--onnx", "--export"):
        parser.add_argument(internal, help=argparse.SUPPRESS, default="{}" if internal == "--trials" else None)
    options = parser.parse_args()
    options.given = sys.argv[1:]
    options.batch = options.batch or (1 if options.first_prediction else MODELS[options.model].batches[-1])
    if options.framework == "onnxruntime" and (options.mode == "train" or options.check) and not options.export:
        parser.error("onnxruntime only infers: use --mode infer, without --check")
    return options


def main():
    options = parse()
    model, needs = MODELS[options.model], NEEDS[options.framework]
    missing = [name for name in needs if importlib.util.find_spec(name) is None]
    if options.framework == "onnxruntime" and not options.onnx:
        missing += [name for name in EXPORT_NEEDS if importlib.util.find_spec(name) is None]
    if options.framework == "torch-compile" and not shutil.which(os.environ.get("CXX", "g++")):
        missing.append("g++ (torch.compile writes C++)")
    if missing:
        print(json.dumps({"missing": missing}))
        sys.exit(MISSING)
    if options.export:
        return export(options)
    if options.variant == "auto" and not (options.check or options.first_prediction):
        choose(options)
    if options.variant == "auto":
        options.variant = "+".join(way[0] for way in ways(options.framework, options.model, options.mode))
    if "passive" in options.variant:
        os.environ["OMP_WAIT_POLICY"] = "passive"  # read when the framework is loaded, below
    if options.framework == "onnxruntime" and not options.onnx:  # start over without torch in memory
        command = again(options, "--variant", options.variant, "--onnx", exported(options))
        os.execv(command[0], command)
    with os.fdopen(os.dup(1), "w", buffering=1) as answers:
        os.dup2(2, 1)  # what a framework prints must not mix with the answers

        def say(answer):
            print(json.dumps(answer), file=answers)

        peer = {"keras": KerasPeer, "onnxruntime": OnnxRuntimePeer}.get(options.framework, TorchPeer)(options, model)
        assert peer.parameters == model.parameters, f"{options.model}: {peer.parameters}, not {model.parameters} parameters"
        if options.check:
            say(check(peer, options.check))
        elif options.first_prediction:
            peer.infer(peer.tensor(data(model, options.batch)[0][0]))
            say({"first_prediction_s": round(seconds_since_start(), 3), "peak_mb": round(peak_memory(), 1)})
        else:
            serve(peer, options, model, say)


if __name__ == "__main__":
    main()

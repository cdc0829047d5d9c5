#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The recipe `cats-dogs-mhsa` in Keras, for `recipe` to time: from photographs in folders to a trained classifier.

The same work as fovea's: pictures of `train` and `validation` resized to 224 x 224 (bilinear), a frozen MobileNetV2,
five epochs of Adam on shuffled batches of 32, validation after each. There are three ways:

notebook  as it is usually published: every epoch reads, decodes and resizes every picture and runs the whole model
decoded   decoded pictures stay in memory after the first epoch (tf.data's cache); every epoch runs the whole model
features  what fovea does: the backbone sees every picture once, its output is kept in the folder --features, and the
          layers behind it learn from that; a folder that is full already saves all of this

Not compiled by XLA, which Keras would choose by itself: in a short trial that made the whole model several times slower.

Prints one line of JSON: seconds from the beginning until the first batch could come, of the features, and of the
epochs; accuracy on the validation pictures after the last.
"""
import argparse, json, os, time

BEGIN = time.time()
SIZE, BATCH, EPOCHS = 224, 32, 5


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=["notebook", "decoded", "features"])
    parser.add_argument("--data", required=True, metavar="FOLDER", help="in it train and validation, in each a folder a class")
    parser.add_argument("--weights", required=True, metavar="FILE", help="Keras's weights of MobileNetV2 (1.0, 224), top included")
    parser.add_argument("--features", metavar="FOLDER", help="for the way of that name")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main():
    options = parse()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import numpy
    import tensorflow as tf
    import keras
    from keras import layers
    from peers import MODELS, keras_model
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)

    def pictures(split, batch, shuffle):
        folder = os.path.join(options.data, split)
        return keras.utils.image_dataset_from_directory(folder, image_size=(SIZE, SIZE), batch_size=batch, shuffle=shuffle,
                                                        verbose=False)

    def backbone():
        """Pictures to what MobileNetV2 makes of their 7 x 7 positions."""
        trained = keras.applications.MobileNetV2(weights=options.weights)
        trained = keras.Model(trained.input, trained.get_layer("out_relu").output)
        trained.trainable = False
        image = keras.Input((SIZE, SIZE, 3))
        output = trained(layers.Rescaling(1 / 127.5, offset=-1)(image), training=False)
        return keras.Model(image, layers.Reshape((49, 1280))(output))

    def samples(split):
        if options.way == "notebook":
            return pictures(split, BATCH, shuffle=True).prefetch(tf.data.AUTOTUNE)
        decoded = pictures(split, None, shuffle=False).map(lambda image, label: (tf.cast(tf.round(image), tf.uint8), label),
                                                           num_parallel_calls=tf.data.AUTOTUNE).cache()
        decoded = decoded.shuffle(len(decoded)) if split == "train" else decoded
        return decoded.batch(BATCH).prefetch(tf.data.AUTOTUNE)

    def features(split, model):
        """For every picture, and the labels: (count, 49, 1280), (count)."""
        files = [os.path.join(options.features, f"{split}-{name}.npy") for name in ("features", "labels")]
        if not all(map(os.path.exists, files)):
            model = model or backbone()
            model.compile(jit_compile=False)
            batches = [(model.predict_on_batch(images), labels)
                       for images, labels in pictures(split, BATCH, shuffle=False).prefetch(tf.data.AUTOTUNE)]
            for file, parts in zip(files, zip(*batches)):
                numpy.save(file, numpy.concatenate(parts))
        return [numpy.load(file) for file in files], model

    head = keras_model("cats-dogs-mhsa", MODELS["cats-dogs-mhsa"].dropout)
    seconds = {}
    if options.way == "features":
        seconds["start_s"] = time.time() - BEGIN
        training, model = features("train", None)
        validation, _ = features("validation", model)
        seconds["features_s"] = time.time() - BEGIN - seconds["start_s"]
        model, data = head, {"x": training[0], "y": training[1], "batch_size": BATCH, "validation_data": validation,
                             "validation_batch_size": BATCH}
    else:
        model = backbone()
        model = keras.Model(model.input, head(model.output))
        data = {"x": samples("train"), "validation_data": samples("validation")}
        seconds["start_s"] = time.time() - BEGIN
    model.compile(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"],
                  jit_compile=False)
    epochs = time.time()
    history = model.fit(**data, epochs=EPOCHS, verbose=0).history
    seconds["epochs_s"] = time.time() - epochs
    print(json.dumps({name: round(value, 2) for name, value in seconds.items()} |
                     {"val_accuracy": round(history["val_accuracy"][-1], 4),
                      "version": f"Keras {keras.__version__}, TensorFlow {tf.__version__}"}))


if __name__ == "__main__":
    main()

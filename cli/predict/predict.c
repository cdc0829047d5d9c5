// SPDX-License-Identifier: Apache-2.0
// `fovea predict`: what a model takes images for.
#include "predict.h"

#include <limits.h>

#include "commands.h"
#include "support/samples.h"
#include "support/say.h"

static int run(const void *given, const cli_arguments *arguments) {
    const predict_options *options = given;
    const bool files = arguments->count > 1;
    if (fv_image_is_named(arguments->items[0])) {
        return cli_usage(&cli_predict, "%s is an image; the model comes before the images", arguments->items[0]);
    }
    if (options->json && options->csv) {
        return cli_usage(&cli_predict, "--json and --csv are two ways of answering: choose one");
    }
    if (files && (options->samples || options->source.data || options->source.path)) {
        return cli_usage(&cli_predict, "--samples, --data and --path are for samples of a data set, not for files");
    }
    if (!files && options->source.strict) {
        return cli_usage(&cli_predict, "--strict is for files; for a data set: --set data.strict=true");
    }
    return files ? cli_predict_files(options, arguments) : cli_predict_samples(options, arguments->items[0]);
}

static const cli_option options[] = {
    CLI_SOURCE_DATA(predict_options, source),
    CLI_SOURCE_PATH(predict_options, source),
    CLI_SOURCE_SET(predict_options, source),
    CLI_SAMPLES(predict_options, samples,
                "Which samples: test:0-9, train:5, 3,5,7-9, 9990- (default: the first ten of the test set)."),
    CLI_COUNT("top", "K", predict_options, top, "How many classes to show.", .preset = "3"),
    CLI_FLAG("csv", predict_options, csv, "Answer in CSV on standard output."),
    CLI_SOURCE_STRICT(predict_options, source),
    CLI_SOURCE_NO_REWRITE(predict_options, source),
    CLI_THREADS(predict_options, source.threads),
    CLI_JSON(predict_options, json),
    CLI_QUIET(predict_options, source.quiet),
    CLI_END};

const cli_command cli_predict = {
    .name = "predict",
    .arguments = "MODEL|RUN|RECIPE [FILE|DIR|-]...",
    .sentence = "Classify images, or samples of a data set",
    .details =
        "Images are JPEG, PNG, GIF, WebP, TIFF, BMP or PNM files of any size, or folders, which are searched for them "
        "with all "
        "folders inside, by name or content; - is an image on standard input. The model file knows how to prepare "
        "them: they are resized as the model was trained with (input.resize of its recipe) and turned upright where "
        "their camera says how. A grey model sees the luma of colours (ITU-R BT.601), a colour model sees grey as "
        "three equal channels; nothing is inverted. A recipe works as a model where it begins with trained weights of "
        "all layers.\n\n"
        "It prints one row for each image: its name and the likeliest classes. Unreadable files are named and left "
        "out, and the exit code is then 3.\n\n"
        "Without images it predicts samples of the recipe's data set, which the model file carries, unless --data or "
        "--path say otherwise: one row for each sample with its number, a mark where the model is wrong, the true "
        "class, and the likeliest classes.\n\n"
        "With --json the answer is one array with an object for each image: file, and predictions (label, class, "
        "probability, likeliest first) or error; with --csv a line for each image: file, error, class, probability, "
        "class_2, probability_2 and so on. Samples have split, index, true class and whether it was found instead of "
        "file and error.",
    .examples = CLI_EXAMPLES({"fovea predict mobilenet-v2 parrot.jpg", "which of ImageNet's 1000 classes"},
                             {"fovea predict runs/first holiday/ --csv > holiday.csv", NULL},
                             {"fovea predict model.safetensors a.jpg b.png --top 1 --json", NULL},
                             {"curl -s https://example.org/cat.jpg | fovea predict model.safetensors -", NULL},
                             {"fovea predict runs/first", "the first ten of the test set"},
                             {"fovea predict runs/first --samples train:100-119 --top 1", NULL}),
    .options = options,
    .options_size = sizeof(predict_options),
    .values = CLI_RECIPES,
    .least_arguments = 1,
    .most_arguments = INT_MAX,
    .missing = "predict needs a model file or a run folder",
    .run = run,
};

// SPDX-License-Identifier: Apache-2.0
// `fovea plot`: pictures of what training did and of what a model has learned.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "support/json.h"
#include "support/memory.h"
#include "support/paths.h"
#include "support/say.h"
#include "support/subject.h"
#include "support/text.h"

typedef struct plot_options {
    cli_source source;
    const char *what, *out;
    bool json;
} plot_options;

// In the folder of a single run, otherwise here. Release with free.
static char *choose_path(const plot_options *options, const cli_arguments *arguments) {
    const char *first = arguments->items[0];
    if (options->out) {
        return cli_copy(options->out);
    }
    return arguments->count == 1 && cli_is_folder(first) ? cli_format("%s/%s.png", first, options->what)
                                                         : cli_format("%s.png", options->what);
}

static int draw_weights(const plot_options *options, const char *model, const char *path) {
    fv_error error;
    cli_subject subject;
    CLI_TRY(cli_subject_load(model, &options->source, &subject));
    const bool filters = strcmp(options->what, "filters") == 0;
    const int code =
        cli_check((filters ? fv_model_draw_filters : fv_model_draw_positions)(subject.model, path, &error), &error);
    cli_subject_free(&subject);
    return code;
}

static int draw_curves(const cli_arguments *folders, const char *path) {
    fv_error error;
    fv_run *runs[FV_MAX_CURVES] = {NULL};
    int code;
    for (int i = 0; i < folders->count; i++) {
        CLI_TRY_OR_DONE(cli_check(fv_run_open(folders->items[i], &runs[i], &error), &error));
    }
    code = cli_check(fv_run_draw_curves((const fv_run *const *)runs, folders->count, path, &error), &error);
done:
    for (int i = 0; i < folders->count; i++) {
        fv_run_free(runs[i]);
    }
    return code;
}

static int run(const void *given, const cli_arguments *arguments) {
    const plot_options *options = given;
    const bool curves = strcmp(options->what, "curves") == 0;
    int code;
    if (curves && arguments->count > FV_MAX_CURVES) {
        return cli_usage(&cli_plot, "plot draws up to %d runs together, not %d", FV_MAX_CURVES, arguments->count);
    }
    if (!curves && arguments->count > 1) {
        return cli_usage(&cli_plot, "--what %s draws one model at a time", options->what);
    }
    char *path = choose_path(options, arguments);
    CLI_TRY_OR_DONE(curves ? draw_curves(arguments, path) : draw_weights(options, arguments->items[0], path));
    if (options->json) {
        code = cli_json_print(json_pack("{s:o}", "picture", cli_json_text(path)), true);
    } else if (!options->source.quiet) {
        cli_line(stdout, "%s", path);
    }
done:
    free(path);
    return code;
}

static const cli_option options[] = {
    CLI_CHOICE("what", "WHAT", plot_options, what, "What to draw.", .preset = "curves",
               CLI_WORDS({"curves", "accuracy and loss of every epoch, of up to eight runs together"},
                         {"filters", "the weights of the first convolution or patch embedding"},
                         {"positions", "how alike the position embeddings are, by their cosine"})),
    CLI_TEXT("out", "FILE", plot_options, out,
             "The picture, a .png or .svg (default: RUN/WHAT.png, or WHAT.png for several runs or a model file).",
             .letter = "o", .values = CLI_FILES),
    CLI_JSON(plot_options, json), CLI_QUIET(plot_options, source.quiet), CLI_END};

const cli_command cli_plot = {
    .name = "plot",
    .arguments = "RUN...",
    .sentence = "Draw training curves, first-layer filters, position embeddings",
    .details = "Draws a picture as PNG or SVG and prints the name of its file.",
    .examples =
        CLI_EXAMPLES({"fovea plot runs/first", NULL}, {"fovea plot runs/first runs/second -o compare.svg", NULL},
                     {"fovea plot runs/first --what filters", NULL},
                     {"fovea plot model.safetensors --what positions -o positions.png", NULL}),
    .options = options,
    .options_size = sizeof(plot_options),
    .values = CLI_FILES,
    .least_arguments = 1,
    .most_arguments = INT_MAX,
    .missing = "plot needs a run folder",
    .run = run,
};

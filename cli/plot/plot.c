// `fovea plot`: pictures of what training did and of what a model has learned.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "support/json.h"
#include "support/subject.h"

typedef enum kind { CURVES, FILTERS, POSITIONS } kind;
static const char *const kinds[] = {"curves", "filters", "positions", NULL};

static int choose_kind(const char *name, kind *out) {
    for (int i = 0; kinds[i]; i++) {
        if (!name || strcmp(name, kinds[i]) == 0) {
            *out = (kind)i;
            return CLI_OK;
        }
    }
    return cli_usage(&cli_plot, "--what: '%s' should be curves, filters or positions", name);
}

// In the folder of a single run, otherwise here; to be freed with fv__free.
static char *choose_path(const cli_options *options, kind what) {
    const char *first = options->arguments[0];
    if (options->out) {
        return fv__strdup(options->out);
    }
    bool in_run = options->argument_count == 1 && fv__folder_exists(first);
    return in_run ? fv__format("%s/%s.png", first, kinds[what]) : fv__format("%s.png", kinds[what]);
}

static int draw_weights(const cli_options *options, kind what, const char *path) {
    fv_error error;
    cli_subject subject;
    int code = cli_subject_load(options->arguments[0], options, &subject);
    if (code != CLI_OK) {
        return code;
    }
    const fv_status status = what == FILTERS ? fv_model_draw_filters(subject.model, path, &error)
                                             : fv_model_draw_positions(subject.model, path, &error);
    cli_subject_free(&subject);
    return status ? cli_fail(&error) : CLI_OK;
}

static int draw_curves(const cli_options *options, const char *path) {
    fv_error error;
    fv_run *runs[FV_MAX_CURVES] = {NULL};
    fv_status status = FV_OK;
    for (int i = 0; i < options->argument_count && !status; i++) {
        status = fv_run_open(options->arguments[i], &runs[i], &error);
    }
    if (!status) {
        status = fv_run_draw_curves((const fv_run *const *)runs, options->argument_count, path, &error);
    }
    for (int i = 0; i < FV_MAX_CURVES; i++) {
        fv_run_free(runs[i]);
    }
    return status ? cli_fail(&error) : CLI_OK;
}

static int run(const cli_options *options) {
    kind what = CURVES;
    int code = choose_kind(options->what, &what);
    if (code != CLI_OK) {
        return code;
    }
    if (options->argument_count == 0) {
        return cli_usage(&cli_plot, "plot needs a run folder");
    }
    if (what == CURVES && options->argument_count > FV_MAX_CURVES) {
        return cli_usage(&cli_plot, "plot draws up to %d runs together, not %d", FV_MAX_CURVES,
                         options->argument_count);
    }
    if (what != CURVES && options->argument_count > 1) {
        return cli_usage(&cli_plot, "--what %s draws one model at a time", kinds[what]);
    }
    char *path = choose_path(options, what);
    if (!path) {
        return cli_fail_memory();
    }
    code = what == CURVES ? draw_curves(options, path) : draw_weights(options, what, path);
    if (code == CLI_OK && options->json) {
        code = cli_json_print(json_pack("{s:o}", "picture", cli_json_text(path)), true);
    } else if (code == CLI_OK && !options->quiet) {
        printf("%s\n", path);
    }
    fv__free(path);
    return code;
}

const cli_command cli_plot = {
    .name = "plot",
    .arguments = "RUN...  [OPTIONS]",
    .sentence = "Draw training curves, first-layer filters, position embeddings",
    .details =
        "Curves: accuracy and loss of every epoch, of up to eight runs together. Filters: the weights of the first\n"
        "convolution or patch embedding. Positions: how alike the position embeddings are, by their cosine.\n"
        "The picture is written to --out, a .png or .svg; without it to RUN/WHAT.png, or for several runs here.\n"
        "\n"
        "  fovea plot runs/first\n"
        "  fovea plot runs/first runs/second -o compare.svg\n"
        "  fovea plot runs/first --what filters\n"
        "  fovea plot model.safetensors --what positions -o positions.png\n",
    .options = "out what",
    .most_arguments = INT_MAX,
    .run = run,
};

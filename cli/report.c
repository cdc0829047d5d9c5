// SPDX-License-Identifier: Apache-2.0
// `fovea report`: everything about a run on one HTML page.
#include <stdlib.h>

#include "commands.h"
#include "support/json.h"
#include "support/memory.h"
#include "support/paths.h"
#include "support/samples.h"
#include "support/say.h"
#include "support/subject.h"
#include "support/text.h"

typedef struct report_options {
    cli_source source;
    const char *samples, *out;
    bool json;
} report_options;

static int report(const report_options *options, size_t evaluated, const char *path) {
    if (options->json) {
        return cli_json_print(json_pack("{s:o, s:I}", "report", cli_json_text(path), "samples", (json_int_t)evaluated),
                              true);
    }
    if (!options->source.quiet) {
        cli_line(stdout, "%s", path);
    }
    return CLI_OK;
}

static int run(const void *given, const cli_arguments *arguments) {
    const report_options *options = given;
    const char *name = arguments->items[0];
    const bool folder = cli_is_folder(name);
    cli_samples shown = {.count = 0};
    cli_subject subject = {.model = NULL};
    fv_dataset *data = NULL;
    fv_error error;
    size_t evaluated;
    char *path = folder && !options->out ? cli_format("%s/report.html", name)
                                         : cli_copy(options->out ? options->out : "report.html");
    int code;
    CLI_TRY_OR_DONE(cli_samples_split(&cli_report, options->samples, &shown));
    CLI_TRY_OR_DONE(cli_subject_load(name, &options->source, &subject));
    CLI_TRY_OR_DONE(cli_subject_data(&subject, shown.split, &options->source, &data));
    if (options->samples) { // else the library chooses
        const size_t total = fv_dataset_get_info(data)->count;
        CLI_TRY_OR_DONE(cli_samples_read(&cli_report, options->samples, total, 0, &shown));
    }
    const fv_report_options how = {.size = sizeof how,
                                   .run = folder ? name : NULL,
                                   .recipe = subject.recipe,
                                   .title = folder ? NULL : name,
                                   .split = shown.split,
                                   .samples = shown.index,
                                   .sample_count = shown.count,
                                   .threads = options->source.threads};
    CLI_TRY_OR_DONE(cli_check(fv_report_write(subject.model, data, &how, path, &evaluated, &error), &error));
    code = report(options, evaluated, path);
done:
    free(shown.index);
    free(path);
    fv_dataset_free(data);
    cli_subject_free(&subject);
    return code;
}

static const cli_option options[] = {
    CLI_SOURCE_DATA(report_options, source),
    CLI_SOURCE_PATH(report_options, source),
    CLI_SOURCE_SET(report_options, source),
    CLI_SAMPLES(report_options, samples,
                "Which samples the explorer shows: test:0-9, train:5, 3,5,7-9, 9990- (default: 24, half of them "
                "mistakes)."),
    CLI_TEXT("out", "FILE", report_options, out,
             "The page (default: RUN/report.html, or report.html for a model file).", .letter = "o",
             .values = CLI_FILES),
    CLI_THREADS(report_options, source.threads),
    CLI_JSON(report_options, json),
    CLI_QUIET(report_options, source.quiet),
    CLI_END};

const cli_command cli_report = {
    .name = "report",
    .arguments = "RUN|MODEL",
    .sentence = "One HTML page about a run, to see what it looked at",
    .details =
        "The page is one file that needs nothing else, neither a network nor a server: scores, classes, confusion, "
        "calibration, training curves, mistakes, model and recipe, and an explorer that shows over an image what each "
        "layer and head attends to from the token you click on.\n\n"
        "Scores are of as many samples, evenly spread, as take some seconds; --set data.limit=N takes the first N, for "
        "photographs equally from all classes. The page says how many it is of, and what was left out to keep it "
        "small.",
    .examples = CLI_EXAMPLES({"fovea report runs/first", NULL},
                             {"fovea report runs/first --samples test:0-23 -o first.html", NULL},
                             {"fovea report runs/first --set data.limit=10000", NULL}),
    .options = options,
    .options_size = sizeof(report_options),
    .values = CLI_RECIPES,
    .least_arguments = 1,
    .most_arguments = 1,
    .missing = "report needs a run folder or a model file",
    .run = run,
};

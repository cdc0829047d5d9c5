// `fovea report`: everything about a run on one HTML page.
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "support/json.h"
#include "support/samples.h"
#include "support/subject.h"

typedef struct report {
    const cli_options *options;
    const char *folder; // of the run; NULL: a model file
    cli_subject subject;
    fv_dataset *data;
    cli_samples shown; // named with --samples
    char *path;
} report;

static int read_shown(report *now) {
    char problem[256];
    if (!now->options->samples) {
        return CLI_OK; // the library chooses
    }
    const size_t total = fv_dataset_get_info(now->data)->count;
    const char *wrong = cli_samples_read(now->options->samples, total, &now->shown, problem, sizeof problem);
    return wrong ? cli_usage(&cli_report, "--samples: %s", wrong) : CLI_OK;
}

static int write_page(report *now) {
    fv_error error;
    size_t evaluated;
    const fv_report_options options = {.size = sizeof options,
                                       .run = now->folder,
                                       .recipe = now->subject.recipe,
                                       .title = now->folder ? NULL : now->options->arguments[0],
                                       .split = now->shown.split,
                                       .samples = now->shown.index,
                                       .sample_count = now->shown.count,
                                       .threads = now->options->threads};
    if (fv_report_write(now->subject.model, now->data, &options, now->path, &evaluated, &error) != FV_OK) {
        return cli_fail(&error);
    }
    if (now->options->json) {
        return cli_json_print(
            json_pack("{s:o, s:I}", "report", cli_json_text(now->path), "samples", (json_int_t)evaluated), true);
    }
    if (!now->options->quiet) {
        printf("%s\n", now->path);
    }
    return CLI_OK;
}

static int make(report *now) {
    const cli_options *options = now->options;
    int code = cli_subject_data(&now->subject, now->shown.split, options, &now->data);
    if (code == CLI_OK) {
        code = read_shown(now);
    }
    if (code != CLI_OK) {
        return code;
    }
    now->path = options->out  ? fv__strdup(options->out)
                : now->folder ? fv__format("%s/report.html", now->folder)
                              : fv__strdup("report.html");
    return now->path ? write_page(now) : cli_fail_memory();
}

static int run(const cli_options *options) {
    if (options->argument_count == 0) {
        return cli_usage(&cli_report, "report needs a run folder or a model file");
    }
    report now = {.options = options};
    if (!cli_samples_split(options->samples ? options->samples : "test", now.shown.split)) {
        return cli_usage(&cli_report, "--samples: '%s' should begin with test: or train:", options->samples);
    }
    now.folder = fv__folder_exists(options->arguments[0]) ? options->arguments[0] : NULL;
    int code = cli_subject_load(options->arguments[0], options, &now.subject);
    if (code == CLI_OK) {
        code = make(&now);
    }
    fv__free(now.shown.index);
    fv__free(now.path);
    fv_dataset_free(now.data);
    cli_subject_free(&now.subject);
    return code;
}

const cli_command cli_report = {
    .name = "report",
    .arguments = "RUN|MODEL  [OPTIONS]",
    .sentence = "One HTML page about a run, to see what it looked at",
    .details =
        "One file that needs nothing else, neither a network nor a server: scores, classes, confusion, calibration,\n"
        "training curves, mistakes, model and recipe, and an explorer that shows over an image what each layer and\n"
        "head attends to from the token one clicks on. It is written to RUN/report.html, of a model file here.\n"
        "\n"
        "The explorer has 24 images, half of them mistakes, unless --samples names others. Scores are of as many\n"
        "samples, evenly spread, as take some seconds; --set data.limit=N takes the first N. The page says how many\n"
        "it is of, and what was left out to keep it small.\n"
        "\n"
        "  fovea report runs/first\n"
        "  fovea report runs/first --samples test:0-23 -o first.html\n"
        "  fovea report runs/first --set data.limit=10000\n",
    .options = "out data path samples set",
    .most_arguments = 1,
    .run = run,
};

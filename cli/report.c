// `fovea report`: everything about a run on one HTML page.
#include "report/report.h"

#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "support/json.h"
#include "support/samples.h"
#include "support/subject.h"
#include "train/curves.h"
#include "train/evaluation.h"

enum {
    SHOWN = 24,    // images in the explorer, at most
    MISTAKES = 12, // of them mistakes, at most
    LEAST = 200    // samples evaluated, if there are as many, whatever that takes
};
static const double WORK = 1e12; // multiply-adds of the evaluation, some seconds to half a minute

typedef struct report {
    const cli_options *options;
    const char *folder; // of the run; NULL: a model file
    cli_subject subject;
    fv_dataset *data, *evaluated;
    uint32_t *numbers; // (evaluated->count)
    cli_samples shown;
    fv_evaluation *details;
    char *recipe, *path;
    json_t *run;
    fv__curves curves;
} report;

// --- What is measured

// All samples where WORK allows at least half of them, else as many as it allows, evenly spread; or what data.limit
// says.
static fv_status select_samples(report *now, fv_error *error) {
    const size_t all = now->data->count;
    const bool chosen = now->subject.recipe && now->subject.recipe->data.limit;
    const double affordable = WORK / fv_model_get_info(now->subject.model)->multiply_adds;
    size_t count = affordable > LEAST ? (size_t)affordable : LEAST;
    count = chosen || 2 * count > all ? all : count > 1000 ? count / 1000 * 1000 : count;
    now->numbers = fv__alloc_array(count, sizeof *now->numbers);
    if (!now->numbers) {
        return fv__fail_memory(error, "the report");
    }
    for (size_t i = 0; i < count; i++) {
        now->numbers[i] = (uint32_t)(i * all / count);
    }
    return fv__dataset_select(now->data, now->numbers, count, &now->evaluated, error);
}

static fv_status measure(report *now, fv_error *error) {
    fv_evaluate_options options = {.size = sizeof options, .threads = now->options->threads};
    fv_status status = select_samples(now, error);
    if (now->subject.recipe) {
        memcpy(options.top_k, now->subject.recipe->train.top_k, sizeof options.top_k);
    }
    return status ? status : fv_model_evaluate(now->subject.model, now->evaluated, &options, &now->details, error);
}

// --- What is shown

static void add_shown(cli_samples *shown, size_t sample) {
    size_t known = 0;
    while (known < shown->count && shown->index[known] != sample) {
        known++;
    }
    shown->count += known == shown->count;
    shown->index[known] = sample;
}

// Mistakes and samples spread over what was evaluated, in turn.
static int choose_shown(report *now) {
    enum { OTHERS = SHOWN - MISTAKES };
    size_t places[MISTAKES], count = now->evaluated->count;
    size_t mistakes = fv_evaluation_find_mistakes(now->details, MISTAKES, places);
    now->shown.index = fv__alloc_array(SHOWN, sizeof *now->shown.index);
    if (!now->shown.index) {
        return cli_fail_memory();
    }
    for (size_t i = 0; i < OTHERS; i++) {
        if (i < mistakes) {
            add_shown(&now->shown, now->numbers[places[i]]);
        }
        add_shown(&now->shown, now->numbers[i * count / OTHERS]);
    }
    return CLI_OK;
}

static int read_shown(report *now) {
    char problem[256];
    if (!now->options->samples) {
        return CLI_OK; // chosen later
    }
    const char *wrong = cli_samples_read(now->options->samples, now->data->count, &now->shown, problem, sizeof problem);
    return wrong ? cli_usage(&cli_report, "--samples: %s", wrong) : CLI_OK;
}

// --- What the run folder tells

static char *in_folder(const report *now, const char *name) {
    return fv__format("%s/%s", now->folder, name);
}

// A file that is not there is none, as in a folder with nothing but a model.
static fv_status read_text(const report *now, const char *name, char **text, fv_error *error) {
    size_t size;
    char *path = in_folder(now, name);
    fv_status status = path ? FV_OK : fv__fail_memory(error, name);
    if (!status && fv__file_exists(path)) {
        status = fv__file_read(path, 0, (uint8_t **)text, &size, error);
    }
    fv__free(path);
    return status;
}

static fv_status read_folder(report *now, fv_error *error) {
    char *text = NULL;
    fv_status status = read_text(now, "recipe.yaml", &now->recipe, error);
    if (!status) {
        status = read_text(now, "run.json", &text, error);
    }
    now->run = text ? json_loads(text, 0, NULL) : NULL;
    fv__free(text);
    if (!status) {
        status = cli_curves_read(now->folder, &now->curves, error);
    }
    return status == FV_NOT_FOUND ? FV_OK : status;
}

static fv_status resolve_recipe(report *now, fv_error *error) {
    fv__text text = {0};
    fv_status status = now->subject.recipe ? fv__recipe_resolve(now->subject.recipe, &text, error) : FV_OK;
    now->recipe = text.bytes;
    return status;
}

// --- The whole

static bool is_limited(const report *now) {
    const fv_recipe *recipe = now->subject.recipe;
    return recipe && recipe->data.limit > 0 && now->data->count == (size_t)recipe->data.limit;
}

static int write_page(report *now, fv_error *error) {
    const char *name = now->folder ? now->folder : now->options->arguments[0];
    const fv__report page = {.title = now->curves.name ? now->curves.name : name,
                             .split = now->shown.split,
                             .model = now->subject.model,
                             .recipe = now->recipe,
                             .run = now->run,
                             .curves = now->curves.epochs ? &now->curves : NULL,
                             .data = now->data,
                             .limited = is_limited(now),
                             .evaluated = now->evaluated,
                             .numbers = now->numbers,
                             .metrics = &now->details->metrics,
                             .details = now->details,
                             .shown = now->shown.index,
                             .shown_count = now->shown.count,
                             .keep_images = now->options->samples != NULL};
    if (fv__report_write(&page, now->path, error) != FV_OK) {
        return cli_fail(error);
    }
    if (now->options->json) {
        return cli_json_print(
            json_pack("{s:o, s:I}", "report", cli_json_text(now->path), "samples", (json_int_t)now->evaluated->count),
            true);
    }
    if (!now->options->quiet) {
        printf("%s\n", now->path);
    }
    return CLI_OK;
}

static int make(report *now) {
    fv_error error;
    const cli_options *options = now->options;
    int code = cli_subject_data(&now->subject, now->shown.split, options, &now->data);
    if (code == CLI_OK) {
        code = read_shown(now);
    }
    if (code != CLI_OK) {
        return code;
    }
    now->path = options->out  ? fv__strdup(options->out)
                : now->folder ? in_folder(now, "report.html")
                              : fv__strdup("report.html");
    if (!now->path) {
        return cli_fail_memory();
    }
    fv_status status = now->folder ? read_folder(now, &error) : FV_OK;
    if (!status && !now->recipe) {
        status = resolve_recipe(now, &error);
    }
    if (!status) {
        status = measure(now, &error);
    }
    if (status) {
        return cli_fail(&error);
    }
    code = options->samples ? CLI_OK : choose_shown(now);
    return code == CLI_OK ? write_page(now, &error) : code;
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
    json_decref(now.run);
    cli_curves_free(&now.curves);
    fv_evaluation_free(now.details);
    fv__free(now.shown.index);
    fv__free(now.numbers);
    fv__free(now.recipe);
    fv__free(now.path);
    fv_dataset_free(now.evaluated);
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

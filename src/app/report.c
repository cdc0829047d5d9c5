// SPDX-License-Identifier: Apache-2.0
// The report of a model: which samples are evaluated and which are shown is chosen here; report/ writes the page.
#include <jansson.h>
#include <string.h>

#include "app/run.h"
#include "base/memory.h"
#include "base/options.h"
#include "recipe/recipe.h"
#include "report/report.h"

enum {
    SHOWN = 24,    // images in the explorer, at most
    MISTAKES = 12, // of them mistakes, at most
    LEAST = 200    // samples evaluated, if there are as many, however long that takes
};
static const double WORK = 1e12; // multiply-adds of the evaluation: some seconds to half a minute

typedef struct selection {
    uint32_t *numbers; // (evaluated->count): samples of the data set that are evaluated
    fv_dataset *evaluated;
    size_t shown[SHOWN];
    size_t shown_count;
} selection;

// All samples where WORK allows at least half of them or `whole` asks for them; else as many as it allows, evenly
// spread.
static fv_status select_evaluated(const fv_model *model, const fv_dataset *data, bool whole, selection *out,
                                  fv_error *error) {
    const double affordable = WORK / model->info.multiply_adds;
    size_t count = affordable > LEAST ? (size_t)affordable : LEAST;
    count = whole || 2 * count > data->count ? data->count : count > 1000 ? count / 1000 * 1000 : count;
    out->numbers = fv__alloc_array(count, sizeof *out->numbers);
    if (!out->numbers) {
        return fv__fail_memory(error, "the report");
    }
    for (size_t i = 0; i < count; i++) {
        out->numbers[i] = (uint32_t)(i * data->count / count);
    }
    return fv__dataset_select(data, out->numbers, count, &out->evaluated, error);
}

static void add_shown(selection *to, size_t sample) {
    size_t known = 0;
    while (known < to->shown_count && to->shown[known] != sample) {
        known++;
    }
    to->shown_count += known == to->shown_count;
    to->shown[known] = sample;
}

// Mistakes and samples spread over what was evaluated, in turn.
static void choose_shown(const fv_evaluation *evaluation, selection *out) {
    enum { OTHERS = SHOWN - MISTAKES };
    size_t places[MISTAKES];
    const size_t count = out->evaluated->count, mistakes = fv_evaluation_find_mistakes(evaluation, MISTAKES, places);
    for (size_t i = 0; i < OTHERS; i++) {
        if (i < mistakes) {
            add_shown(out, out->numbers[places[i]]);
        }
        add_shown(out, out->numbers[i * count / OTHERS]);
    }
}

// The recipe as text: the run's, else the one given.
static fv_status find_recipe(const fv_run *run, const fv_recipe *recipe, fv__text *own, const char **text,
                             fv_error *error) {
    *text = run ? run->recipe : NULL;
    if (!*text && recipe) {
        FV__TRY(fv__recipe_resolve(recipe, own, error));
        *text = own->bytes;
    }
    return FV_OK;
}

static fv_status check_samples(const fv_report_options *options, const fv_dataset *data, fv_error *error) {
    for (size_t i = 0; i < options->sample_count; i++) {
        if (options->samples[i] >= data->count) {
            return fv__fail(error, FV_INVALID, "sample %zu asked for, but %s (%s) has 0 to %zu", options->samples[i],
                            data->name, data->split, data->count - 1);
        }
    }
    return FV_OK;
}

fv_status fv_report_write(const fv_model *model, const fv_dataset *data, const fv_report_options *options,
                          const char *path, size_t *evaluated, fv_error *error) {
    FV__TAKE(fv_report_options, options, error);
    FV__TRY(check_samples(&own, data, error));
    const fv_recipe *recipe = own.recipe;
    const bool limited = recipe && recipe->data.limit;
    selection chosen = {0};
    fv_evaluation *evaluation = NULL;
    fv_run *run = NULL;
    fv__text resolved = {0};
    const char *text;
    json_t *described = NULL;
    fv_status status = FV_OK;
    fv_evaluate_options how = {
        .size = sizeof how, .threads = own.threads, .on_event = own.on_event, .context = own.context};
    if (own.run) {
        FV__TRY_OR_DONE(fv_run_open(own.run, &run, error));
        described = run->report ? json_loads(run->report, 0, NULL) : NULL;
    }
    FV__TRY_OR_DONE(find_recipe(run, recipe, &resolved, &text, error));
    FV__TRY_OR_DONE(select_evaluated(model, data, limited, &chosen, error));
    if (recipe) {
        memcpy(how.top_k, recipe->train.top_k, sizeof how.top_k);
    }
    FV__TRY_OR_DONE(fv_model_evaluate(model, chosen.evaluated, &how, &evaluation, error));
    if (!own.sample_count) {
        choose_shown(evaluation, &chosen);
    }
    const fv__report page = {.title = own.title ? own.title
                                      : run     ? run->name
                                                : "model",
                             .split = own.split ? own.split : data->split,
                             .model = model,
                             .recipe = text,
                             .run = described,
                             .curves = run && run->curves.epochs ? &run->curves : NULL,
                             .data = data,
                             .limited = limited && data->count == (size_t)recipe->data.limit,
                             .evaluated = chosen.evaluated,
                             .numbers = chosen.numbers,
                             .metrics = &evaluation->metrics,
                             .details = evaluation,
                             .shown = own.sample_count ? own.samples : chosen.shown,
                             .shown_count = own.sample_count ? own.sample_count : chosen.shown_count,
                             .threads = own.threads,
                             .keep_images = own.sample_count > 0};
    FV__TRY_OR_DONE(fv__report_write(&page, path, error));
    if (evaluated) {
        *evaluated = chosen.evaluated->count;
    }
done:
    json_decref(described);
    fv__text_free(&resolved);
    fv_run_free(run);
    fv_evaluation_free(evaluation);
    fv_dataset_free(chosen.evaluated);
    fv__free(chosen.numbers);
    return status;
}

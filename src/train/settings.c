// SPDX-License-Identifier: Apache-2.0
#include "train/settings.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

// The section as it is written.
typedef struct train_section {
    int batch, epochs, patience;
    const fv__value *optimizer, *schedule, *loss, *metrics;
    double clip_norm;
    bool shuffle, keep_best, cache_features;
    int class_weights;
} train_section;

static const char *const class_weights[] = {"none", "balanced", NULL};

#define MEMBER(name) .offset = offsetof(train_section, name)

const fv__option fv__train_options[] = {
    {.name = "batch",
     .kind = FV__INT,
     MEMBER(batch),
     .minimum = 1,
     .maximum = FV__MOST_BATCH,
     .default_text = "32",
     .sentence = "Samples of a step; the last of an epoch may have fewer."},
    {.name = "epochs",
     .kind = FV__INT,
     MEMBER(epochs),
     .minimum = 1,
     .maximum = 1000000,
     .default_text = "10",
     .sentence = "How often the training set is gone through."},
    {.name = "optimizer",
     .kind = FV__ANY,
     MEMBER(optimizer),
     .default_text = "adam",
     .sentence = "How weights follow their gradient: sgd, adam or adamw."},
    {.name = "schedule",
     .kind = FV__ANY,
     MEMBER(schedule),
     .default_text = "constant",
     .sentence = "How the learning rate changes: constant, step or cosine."},
    {.name = "loss",
     .kind = FV__ANY,
     MEMBER(loss),
     .default_text = "cross_entropy",
     .sentence = "What is made small: cross_entropy."},
    {.name = "metrics",
     .kind = FV__LIST,
     MEMBER(metrics),
     .default_text = "[accuracy]",
     .sentence = "What is counted: accuracy (always) and up to four of top2, top3, ..."},
    {.name = "clip_norm",
     .kind = FV__FLOAT,
     MEMBER(clip_norm),
     .minimum = 0,
     .maximum = INFINITY,
     .default_text = "0",
     .sentence = "The gradient of all weights together is shortened to this norm; 0: never."},
    {.name = "shuffle",
     .kind = FV__BOOL,
     MEMBER(shuffle),
     .default_text = "true",
     .sentence = "Whether each epoch goes through the training set in its own order."},
    {.name = "class_weights",
     .kind = FV__CHOICE,
     MEMBER(class_weights),
     .choices = class_weights,
     .default_text = "none",
     .sentence = "Whether the losses of rare classes count more: none, or balanced, all classes together the same."},
    {.name = "cache_features",
     .kind = FV__BOOL,
     MEMBER(cache_features),
     .default_text = "true",
     .sentence = "Whether the output of frozen layers at the beginning (a backbone) is computed once for each sample "
                 "and kept in the cache, where augmentation does not change the samples."},
    {.name = "keep_best",
     .kind = FV__BOOL,
     MEMBER(keep_best),
     .default_text = "false",
     .sentence = "Whether the model is that of the epoch with the best validation accuracy, not of the last."},
    {.name = "patience",
     .kind = FV__INT,
     MEMBER(patience),
     .minimum = 0,
     .maximum = 1000000,
     .default_text = "0",
     .sentence = "Training ends after so many epochs without a better validation accuracy; 0: never."},
    {0}};

typedef struct loss_settings {
    double label_smoothing;
} loss_settings;

static const fv__option cross_entropy_table[] = {
    {.name = "label_smoothing",
     .kind = FV__FLOAT,
     .offset = offsetof(loss_settings, label_smoothing),
     .below_maximum = true,
     .minimum = 0,
     .maximum = 1,
     .default_text = "0",
     .sentence = "Share of the target that is spread evenly over all classes (Szegedy et al. 2016)."},
    {0}};

const fv__variant fv__loss_variants[] = {
    {"cross_entropy", "Softmax cross-entropy, averaged over the batch.", cross_entropy_table}, {0}};

// "top5" gives 5; 0 for anything else.
static int parse_top(const char *text) {
    int k;
    return strncmp(text, "top", 3) == 0 && fv__parse_int(text + 3, &k) && k >= 2 ? k : 0;
}

static fv_status read_metrics(const fv__value *list, int top_k[FV_MAX_TOP], fv_error *error) {
    int count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const fv__value *item = list->items[i];
        const char *name = item->kind == FV__VALUE_SCALAR ? item->text : "";
        int k = parse_top(name);
        if (!k && strcmp(name, "accuracy") != 0) {
            char found[64];
            return fv__value_fail(error, item, "train.metrics: expected accuracy or a number like top5, found %s",
                                  fv__value_describe(item, found, sizeof found));
        }
        for (int before = 0; before < count; before++) {
            if (top_k[before] == k) {
                return fv__value_fail(error, item, "train.metrics: top%d appears twice", k);
            }
        }
        if (k && count == FV_MAX_TOP) {
            return fv__value_fail(error, item, "train.metrics: at most %d top-k accuracies can be counted", FV_MAX_TOP);
        }
        if (k) {
            top_k[count++] = k;
        }
    }
    return FV_OK;
}

static fv_status read_section(const train_section *section, fv__train_settings *settings, fv_error *error) {
    int loss;
    loss_settings loss_options;
    FV__TRY(fv__variant_read(fv__optimizer_variants, section->optimizer, "train.optimizer", &settings->optimizer.kind,
                             &settings->optimizer, error));
    FV__TRY(fv__variant_read(fv__schedule_variants, section->schedule, "train.schedule", &settings->schedule.kind,
                             &settings->schedule, error));
    if (settings->schedule.warmup_epochs > 0 && settings->schedule.warmup_steps > 0) {
        return fv__value_fail(error, section->schedule,
                              "cosine: give either warmup_epochs or warmup_steps, and leave the other 0");
    }
    FV__TRY(fv__variant_read(fv__loss_variants, section->loss, "train.loss", &loss, &loss_options, error));
    settings->label_smoothing = loss_options.label_smoothing;
    return read_metrics(section->metrics, settings->top_k, error);
}

fv_status fv__train_settings_read(const fv__value *value, fv__train_settings *settings, fv_error *error) {
    train_section section;
    fv__document *nowhere = NULL; // where defaults live when there is no section
    if (!value) {
        nowhere = fv__document_new("defaults");
        if (!nowhere) {
            return fv__fail_memory(error, "the recipe");
        }
        value = fv__document_nothing(nowhere);
    }
    *settings = (fv__train_settings){0};
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(fv__options_read(fv__train_options, value, "train", &section, error));
    settings->batch = section.batch;
    settings->epochs = section.epochs;
    settings->patience = section.patience;
    settings->clip_norm = section.clip_norm;
    settings->shuffle = section.shuffle;
    settings->keep_best = section.keep_best;
    settings->cache_features = section.cache_features;
    settings->balance = section.class_weights == 1;
    FV__TRY_OR_DONE(read_section(&section, settings, error));
done:
    fv__document_free(nowhere);
    return status;
}

fv_status fv__train_settings_check(const fv__train_settings *settings, int classes, bool validates, fv_error *error) {
    if (!validates && (settings->keep_best || settings->patience)) {
        return fv__fail(error, FV_INVALID,
                        "train.%s uses validation accuracy, but data.validation is none: make it test or a fraction",
                        settings->keep_best ? "keep_best" : "patience");
    }
    for (int k = 0; k < FV_MAX_TOP && settings->top_k[k] && classes > 0; k++) {
        if (settings->top_k[k] > classes) {
            return fv__fail(error, FV_INVALID, "train.metrics: there are only %d classes for top%d", classes,
                            settings->top_k[k]);
        }
    }
    return FV_OK;
}

static fv_status write_metrics(const int top_k[FV_MAX_TOP], fv__document *document, fv__value **out, fv_error *error) {
    fv__value *list = fv__value_new(document, FV__VALUE_LIST);
    *out = list;
    for (int k = -1; k < FV_MAX_TOP && (k < 0 || top_k[k]); k++) {
        char name[32] = "accuracy";
        if (k >= 0) {
            snprintf(name, sizeof name, "top%d", top_k[k]);
        }
        fv__value *item = list ? fv__value_text(document, name) : NULL;
        if (!item || fv__list_add(list, item, NULL)) {
            return fv__fail_memory(error, "the recipe");
        }
    }
    return FV_OK;
}

fv_status fv__train_settings_write(const fv__train_settings *settings, fv__document *document, fv__value **out,
                                   fv_error *error) {
    fv__value *optimizer, *schedule, *loss, *metrics;
    loss_settings loss_options = {settings->label_smoothing};
    FV__TRY(fv__variant_write(&fv__optimizer_variants[settings->optimizer.kind], &settings->optimizer, document,
                              &optimizer, error));
    FV__TRY(fv__variant_write(&fv__schedule_variants[settings->schedule.kind], &settings->schedule, document, &schedule,
                              error));
    FV__TRY(fv__variant_write(&fv__loss_variants[0], &loss_options, document, &loss, error));
    FV__TRY(write_metrics(settings->top_k, document, &metrics, error));
    train_section section = {.batch = settings->batch,
                             .epochs = settings->epochs,
                             .patience = settings->patience,
                             .optimizer = optimizer,
                             .schedule = schedule,
                             .loss = loss,
                             .metrics = metrics,
                             .clip_norm = settings->clip_norm,
                             .shuffle = settings->shuffle,
                             .keep_best = settings->keep_best,
                             .cache_features = settings->cache_features,
                             .class_weights = settings->balance};
    return fv__options_write(fv__train_options, &section, document, out, error);
}

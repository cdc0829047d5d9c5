// SPDX-License-Identifier: Apache-2.0
#include "recipe/data_section.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"

#define MEMBER(name) .offset = offsetof(fv__data_settings, name)

const fv__option fv__data_options[] = {
    {.name = "set",
     .kind = FV__TEXT,
     MEMBER(set),
     .default_text = "folder",
     .primary = true,
     .sentence = "Name of the data set, one of those that `fovea data list` shows; folder: photographs of one's own, a "
                 "folder for each class, in `path`."},
    {.name = "labels",
     .kind = FV__TEXT,
     MEMBER(labels),
     .sentence =
         "Which labels, where a set has several: cifar100 has fine (100 classes, the default) and coarse (20)."},
    {.name = "path",
     .kind = FV__TEXT,
     MEMBER(path),
     .sentence = "Folder (or archive) with its files; without it they are searched in FOVEA_DATA, the cache, and the "
                 "system. Of "
                 "photographs: DIR/CLASS/…, or DIR/train/CLASS/… and DIR/validation (val, test), or a zip or tar file "
                 "of that."},
    {.name = "strict",
     .kind = FV__BOOL,
     MEMBER(strict),
     .default_text = "false",
     .sentence = "Whether a photograph that cannot be read is an error; else it is named and left out."},
    {.name = "limit",
     .kind = FV__INT,
     MEMBER(limit),
     .minimum = 0,
     .maximum = 2147483647,
     .default_text = "0",
     .sentence = "Only the first so many samples of each split (of photographs: so many from all classes), for "
                 "quick tries; 0: all."},
    {.name = "validation",
     .kind = FV__ANY,
     MEMBER(validation_value),
     .default_text = "test",
     .sentence = "What is validated on after each epoch: test (the test split; of photographs the validation or test "
                 "folder, else a fifth of each class), none, or a fraction like 0.2: the last fifth of the training "
                 "split (of photographs: of each class), which is then not trained on; also a map with the options "
                 "below."},
    {0}};

const fv__option fv__validation_options[] = {{.name = "fraction",
                                              .kind = FV__FLOAT,
                                              .offset = offsetof(fv__validation_split, fraction),
                                              .required = true,
                                              .primary = true,
                                              .above_minimum = true,
                                              .below_maximum = true,
                                              .minimum = 0,
                                              .maximum = 1,
                                              .sentence = "Share of the training split that is kept for validation."},
                                             {.name = "stratified",
                                              .kind = FV__BOOL,
                                              .offset = offsetof(fv__validation_split, stratified),
                                              .default_text = "false",
                                              .sentence = "Whether the same share of every class is drawn; else it is "
                                                          "the last part of the split. Of photographs: true unless "
                                                          "it is said."},
                                             {.name = "seed",
                                              .kind = FV__INT,
                                              .offset = offsetof(fv__validation_split, seed),
                                              .minimum = 0,
                                              .maximum = 2147483647,
                                              .default_text = "0",
                                              .sentence = "Start of the draws, if stratified; apart from the seed of "
                                                          "a run, so that runs can be compared."},
                                             {0}};

static bool is_folder(const fv__data_settings *settings) {
    return !settings->info->open;
}

static fv_status read_validation(fv__data_settings *settings, fv_error *error) {
    const fv__value *value = settings->validation_value;
    bool scalar = value->kind == FV__VALUE_SCALAR;
    fv_status status = FV_OK;
    if (scalar && strcmp(value->text, "test") == 0) {
        settings->validation = FV__VALIDATE_TEST;
    } else if (scalar && strcmp(value->text, "none") == 0) {
        settings->validation = FV__VALIDATE_NONE;
    } else if (scalar && fv__parse_float(value->text, &settings->split.fraction) && settings->split.fraction > 0 &&
               settings->split.fraction < 1) {
        settings->validation = FV__VALIDATE_FRACTION;
    } else if (value->kind == FV__VALUE_MAP) {
        settings->validation = FV__VALIDATE_FRACTION;
        status = fv__options_read(fv__validation_options, value, "data.validation", &settings->split, error);
    } else {
        char found[64];
        return fv__value_fail(error, value,
                              "data.validation: expected test, none, or a fraction above 0 and below 1, found %s",
                              fv__value_describe(value, found, sizeof found));
    }
    if (!fv__map_get(value, "stratified")) {
        settings->split.stratified = is_folder(settings); // sorted by class, its last part would be one class
    }
    if (!status && !settings->split.stratified && fv__map_get(value, "seed")) {
        status = fv__value_fail(error, fv__map_get(value, "seed"),
                                "data.validation.seed: nothing is drawn for the last part of the split; add "
                                "stratified: true, or leave the seed out");
    }
    return status;
}

static fv_status find_set(const fv__value *section, fv__data_settings *settings, fv_error *error) {
    enum { MOST_SETS = 64 };
    const char *names[MOST_SETS + 2] = {fv__folder_info.name};
    if (strcmp(settings->set, fv__folder_info.name) == 0) {
        settings->info = &fv__folder_info;
        return settings->labels ? fv__value_fail(error, fv__map_get(section, "labels"),
                                                 "data.labels: photographs have the labels that their folders give "
                                                 "them; leave this out")
                                : FV_OK;
    }
    for (size_t i = 0; i < fv__dataset_known_count() && i < MOST_SETS; i++) {
        names[i + 1] = fv__dataset_known(i)->name;
        if (strcmp(names[i + 1], settings->set) == 0) {
            fv_error inner;
            settings->info = fv__dataset_labelled(fv__dataset_known(i), settings->labels, &inner);
            return settings->info
                       ? FV_OK
                       : fv__value_fail(error, fv__map_get(section, "labels"), "data.labels: %s", inner.message);
        }
    }
    const fv__value *written = fv__map_get(section, "set");
    char known[512];
    return fv__value_fail(error, written ? written : section, "data.set: there is no data set '%.80s'; %s",
                          settings->set, fv__suggest_name(known, sizeof known, settings->set, names));
}

fv_status fv__data_settings_read(const fv__value *section, fv__data_settings *settings, fv_error *error) {
    *settings = (fv__data_settings){0};
    fv_status status = fv__options_read(fv__data_options, section, "data", settings, error);
    if (!status && section->kind == FV__VALUE_MAP && !fv__map_get(section, "set") && !fv__map_get(section, "path")) {
        return fv__value_fail(error, section,
                              "data.set is missing, the name of a data set; or data.path, a folder of photographs");
    }
    if (!status) {
        status = find_set(section, settings, error);
    }
    return status ? status : read_validation(settings, error);
}

fv_status fv__data_settings_write(const fv__data_settings *settings, fv__document *document, fv__value **section,
                                  fv_error *error) {
    return fv__options_write(fv__data_options, settings, document, section, error);
}

// --- Opening

static fv_status open_split(const fv__data_settings *settings, const char *split, fv_dataset **out, fv_error *error) {
    return fv__dataset_open(settings->info, split, settings->path, &settings->photos, out, error);
}

static fv_status open_limited(const fv__data_settings *settings, const char *split, fv_dataset **out, fv_error *error) {
    fv_dataset *all;
    fv_status status = open_split(settings, split, &all, error);
    if (!status) {
        status = fv__dataset_limit(all, settings->limit > 0 ? (size_t)settings->limit : SIZE_MAX, out, error);
        fv_dataset_free(all);
    }
    return status;
}

int fv__data_known_classes(const fv__data_settings *settings) {
    return is_folder(settings) ? 0 : settings->info->classes;
}

static fv_status look_at_folder(const fv__data_settings *settings, int *classes, bool *divided, fv_error *error) {
    fv__folder folder;
    fv_status status = fv__folder_find(settings->info, settings->path, &folder, error);
    *classes = folder.classes;
    *divided = folder.validation != NULL;
    fv__folder_free(&folder);
    return status;
}

fv_status fv__data_count_classes(const fv__data_settings *settings, int *classes, fv_error *error) {
    bool divided;
    *classes = fv__data_known_classes(settings);
    return is_folder(settings) ? look_at_folder(settings, classes, &divided, error) : FV_OK;
}

bool fv__data_validates_on_test(const fv__data_settings *settings) {
    if (!is_folder(settings) || settings->validation == FV__VALIDATE_NONE) {
        return settings->validation == FV__VALIDATE_TEST;
    }
    fv__folder folder;
    const bool found = fv__folder_find(settings->info, settings->path, &folder, NULL) == FV_OK;
    const bool same = found && (!folder.validation || (settings->validation == FV__VALIDATE_TEST &&
                                                       strcmp(folder.validation, folder.test) == 0));
    fv__folder_free(&folder);
    return same;
}

// What is validated on, where it depends on what is in the folder.
static fv_status settle(const fv__data_settings *settings, fv__data_settings *settled, fv_error *error) {
    int classes;
    bool divided = true;
    fv_status status = FV_OK;
    *settled = *settings;
    if (is_folder(settings) && settings->validation == FV__VALIDATE_TEST) {
        status = look_at_folder(settings, &classes, &divided, error);
    }
    if (!divided) {
        settled->validation = FV__VALIDATE_FRACTION;
        settled->split = (fv__validation_split){.fraction = 0.2, .stratified = true};
    }
    return status;
}

// As Keras's validation_split: the first ⌊count · (1 − fraction)⌋ samples stay.
static fv_status split_last(const fv__validation_split *split, const fv_dataset *all, fv_dataset **train,
                            fv_dataset **validation, fv_error *error) {
    size_t count = all->count, kept = (size_t)floor((double)count * (1 - split->fraction));
    if (kept == 0 || kept == count) {
        return fv__fail(error, FV_INVALID,
                        "data.validation: %g of %zu samples leaves none to %s; take another fraction or more samples",
                        split->fraction, count, kept ? "validate on" : "train on");
    }
    fv_status status = fv__dataset_view(all, kept, count - kept, validation, error);
    return status ? status : fv__dataset_view(all, 0, kept, train, error);
}

fv_status fv__data_open_training(const fv__data_settings *settings, fv_dataset **all, fv_error *error) {
    *all = NULL;
    return open_split(settings, "train", all, error);
}

// Both parts of photographs are cut short after dividing: what was held out of a few is held out of all.
static fv_status divide_folder(const fv__data_settings *settings, const fv_dataset *all, fv_dataset **train,
                               fv_dataset **validation, fv_error *error) {
    fv_dataset *kept = NULL, *held = NULL;
    const fv__validation_split *split = &settings->split;
    fv_status status = split->stratified
                           ? fv__dataset_stratify(all, split->fraction, (uint64_t)split->seed, &kept, &held, error)
                           : split_last(split, all, &kept, &held, error);
    if (!status) {
        status = fv__dataset_limit(kept, settings->limit > 0 ? (size_t)settings->limit : SIZE_MAX, train, error);
    }
    if (!status) {
        status = fv__dataset_limit(held, settings->limit > 0 ? (size_t)settings->limit : SIZE_MAX, validation, error);
    }
    fv_dataset_free(kept);
    fv_dataset_free(held);
    return status;
}

static fv_status divide_limited(const fv__data_settings *settings, const fv_dataset *all, fv_dataset **train,
                                fv_dataset **validation, fv_error *error) {
    fv_dataset *some;
    const char *test = is_folder(settings) ? "validation" : "test";
    fv_status status = fv__dataset_limit(all, settings->limit > 0 ? (size_t)settings->limit : SIZE_MAX, &some, error);
    if (status) {
        return status;
    }
    if (settings->validation == FV__VALIDATE_FRACTION) {
        status = settings->split.stratified
                     ? fv__dataset_stratify(some, settings->split.fraction, (uint64_t)settings->split.seed, train,
                                            validation, error)
                     : split_last(&settings->split, some, train, validation, error);
        fv_dataset_free(some);
        return status;
    }
    *train = some;
    return settings->validation == FV__VALIDATE_TEST ? open_limited(settings, test, validation, error) : FV_OK;
}

fv_status fv__data_divide(const fv__data_settings *settings, const fv_dataset *all, fv_dataset **train,
                          fv_dataset **validation, fv_error *error) {
    fv__data_settings settled;
    *train = *validation = NULL;
    fv_status status = settle(settings, &settled, error);
    if (!status && is_folder(settings) && settled.validation == FV__VALIDATE_FRACTION) {
        status = divide_folder(&settled, all, train, validation, error);
    } else if (!status) {
        status = divide_limited(&settled, all, train, validation, error);
    }
    if (status) {
        fv_dataset_free(*train);
        fv_dataset_free(*validation);
        *train = *validation = NULL;
    }
    return status;
}

fv_status fv__data_open(const fv__data_settings *settings, fv_dataset **train, fv_dataset **validation,
                        fv_error *error) {
    fv_dataset *all;
    *train = *validation = NULL;
    fv_status status = fv__data_open_training(settings, &all, error);
    if (!status) {
        status = fv__data_divide(settings, all, train, validation, error);
        fv_dataset_free(all);
    }
    return status;
}

fv_status fv__data_open_split(const fv__data_settings *settings, const char *split, fv_dataset **out, fv_error *error) {
    fv_dataset *train, *validation;
    int classes;
    bool divided = true;
    *out = NULL;
    fv_status status = is_folder(settings) ? look_at_folder(settings, &classes, &divided, error) : FV_OK;
    if (status || divided || settings->validation == FV__VALIDATE_NONE) {
        return status ? status : open_limited(settings, split, out, error);
    }
    status = fv__data_open(settings, &train, &validation, error);
    if (!status) {
        bool test = strcmp(split, "test") == 0;
        fv_dataset_free(test ? train : validation);
        *out = test ? validation : train;
    }
    return status;
}

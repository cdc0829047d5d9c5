#include "recipe/data_section.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define MEMBER(name) .offset = offsetof(fv__data_settings, name)

const fv__option fv__data_options[] = {
    {.name = "set",
     .kind = FV__TEXT,
     MEMBER(set),
     .required = true,
     .primary = true,
     .sentence = "Name of the data set, one of those that `fovea data list` shows."},
    {.name = "path",
     .kind = FV__TEXT,
     MEMBER(path),
     .sentence = "Folder with its files; without it they are searched in FOVEA_DATA, the cache, and the system."},
    {.name = "limit",
     .kind = FV__INT,
     MEMBER(limit),
     .minimum = 0,
     .maximum = 2147483647,
     .default_text = "0",
     .sentence = "Only the first so many samples of each split, for quick tries; 0: all."},
    {.name = "validation",
     .kind = FV__ANY,
     MEMBER(validation_value),
     .default_text = "test",
     .sentence = "What is validated on after each epoch: test (the test split), none, or a fraction like 0.2: the last "
                 "fifth of the training split, which is then not trained on."},
    {0}};

static fv_status read_validation(fv__data_settings *settings, fv_error *error) {
    const fv__value *value = settings->validation_value;
    bool scalar = value->kind == FV__VALUE_SCALAR;
    if (scalar && strcmp(value->text, "test") == 0) {
        settings->validation = FV__VALIDATE_TEST;
    } else if (scalar && strcmp(value->text, "none") == 0) {
        settings->validation = FV__VALIDATE_NONE;
    } else if (scalar && fv__parse_float(value->text, &settings->fraction) && settings->fraction > 0 &&
               settings->fraction < 1) {
        settings->validation = FV__VALIDATE_FRACTION;
    } else {
        char found[64];
        return fv__value_fail(error, value,
                              "data.validation: expected test, none, or a fraction above 0 and below 1, found %s",
                              fv__value_describe(value, found, sizeof found));
    }
    return FV_OK;
}

static fv_status find_set(const fv__value *section, fv__data_settings *settings, fv_error *error) {
    enum { MOST_SETS = 64 };
    const char *names[MOST_SETS + 1] = {NULL};
    for (size_t i = 0; i < fv__dataset_known_count() && i < MOST_SETS; i++) {
        names[i] = fv__dataset_known(i)->name;
        if (strcmp(names[i], settings->set) == 0) {
            settings->info = fv__dataset_known(i);
            return FV_OK;
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
    if (!status) {
        status = read_validation(settings, error);
    }
    return status ? status : find_set(section, settings, error);
}

fv_status fv__data_settings_write(const fv__data_settings *settings, fv__document *document, fv__value **section,
                                  fv_error *error) {
    return fv__options_write(fv__data_options, settings, document, section, error);
}

// --- Opening

// Takes the place of *dataset by a view of it.
static fv_status take_view(fv_dataset **dataset, size_t first, size_t count, fv_error *error) {
    fv_dataset *view;
    fv_status status = fv__dataset_view(*dataset, first, count, &view, error);
    if (!status) {
        fv_dataset_close(*dataset);
        *dataset = view;
    }
    return status;
}

static fv_status open_split(const fv__data_settings *settings, const char *split, fv_dataset **out, fv_error *error) {
    fv_status status = fv_dataset_open(settings->set, split, settings->path, out, error);
    if (!status && settings->limit > 0 && (size_t)settings->limit < (*out)->count) {
        status = take_view(out, 0, (size_t)settings->limit, error);
    }
    return status;
}

// As Keras's validation_split: the first ⌊count · (1 − fraction)⌋ samples stay.
static fv_status split_off(double fraction, fv_dataset **train, fv_dataset **validation, fv_error *error) {
    size_t count = (*train)->count, kept = (size_t)floor((double)count * (1 - fraction));
    if (kept == 0 || kept == count) {
        return fv__fail(error, FV_INVALID,
                        "data.validation: %g of %zu samples leaves none to %s; take another fraction or more samples",
                        fraction, count, kept ? "validate on" : "train on");
    }
    fv_status status = fv__dataset_view(*train, kept, count - kept, validation, error);
    return status ? status : take_view(train, 0, kept, error);
}

fv_status fv__data_open(const fv__data_settings *settings, fv_dataset **train, fv_dataset **validation,
                        fv_error *error) {
    *train = *validation = NULL;
    fv_status status = open_split(settings, "train", train, error);
    if (!status && settings->validation == FV__VALIDATE_TEST) {
        status = open_split(settings, "test", validation, error);
    } else if (!status && settings->validation == FV__VALIDATE_FRACTION) {
        status = split_off(settings->fraction, train, validation, error);
    }
    if (status) {
        fv_dataset_close(*train);
        fv_dataset_close(*validation);
        *train = *validation = NULL;
    }
    return status;
}

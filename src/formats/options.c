// SPDX-License-Identifier: Apache-2.0
// Reading options: a table, a value of a recipe, and the struct the two are for. Defaults go through the same code as
// what users write. Members are written with memcpy, so that an enum may stand where the table says int.
#include "formats/options.h"

#include <stdio.h>
#include <string.h>

#include "formats/options_table.h"
#include "formats/yaml_tree.h"

typedef struct option_reading {
    const fv__option *option; // the row at hand
    const char *what;         // owner of the table, for messages
    const fv__value *value;   // what is read for the row
    fv_error *error;
} option_reading;

static fv_status refuse_kind(const option_reading *reading, const fv__value *value) {
    char expected[256], found[64];
    return fv__value_fail(reading->error, value, "%s.%s: expected %s, found %s", reading->what, reading->option->name,
                          fv__option_kind_text(reading->option, expected, sizeof expected),
                          fv__value_describe(value, found, sizeof found));
}

// --- one value

static fv_status check_range(const option_reading *reading, const fv__value *item, double number) {
    const fv__option *option = reading->option;
    bool low = option->above_minimum ? number <= option->minimum : number < option->minimum;
    bool high = option->below_maximum ? number >= option->maximum : number > option->maximum;
    if (!fv__option_has_range(option) || (!low && !high)) {
        return FV_OK;
    }
    char range[96];
    return fv__value_fail(reading->error, item, "%s.%s: %.40s is out of range; it must be %s", reading->what,
                          option->name, item->text, fv__option_range_text(option, range, sizeof range));
}

static fv_status read_int(const option_reading *reading, const fv__value *item, int *number) {
    if (item->kind != FV__VALUE_SCALAR || item->quoted || !fv__parse_int(item->text, number)) {
        return refuse_kind(reading, item);
    }
    return check_range(reading, item, *number);
}

static fv_status read_float(const option_reading *reading, const fv__value *item, double *number) {
    if (item->kind != FV__VALUE_SCALAR || item->quoted || !fv__parse_float(item->text, number)) {
        return refuse_kind(reading, item);
    }
    return check_range(reading, item, *number);
}

static fv_status read_bool(const option_reading *reading, bool *truth) {
    const fv__value *value = reading->value;
    bool is_true = value->kind == FV__VALUE_SCALAR && !value->quoted && !strcmp(value->text, "true");
    bool is_false = value->kind == FV__VALUE_SCALAR && !value->quoted && !strcmp(value->text, "false");
    *truth = is_true;
    return is_true || is_false ? FV_OK : refuse_kind(reading, value);
}

static fv_status read_choice(const option_reading *reading, int *choice) {
    const fv__value *value = reading->value;
    if (value->kind != FV__VALUE_SCALAR) {
        return refuse_kind(reading, value);
    }
    for (int i = 0; reading->option->choices[i]; i++) {
        if (!strcmp(reading->option->choices[i], value->text)) {
            *choice = i;
            return FV_OK;
        }
    }
    char known[400];
    return fv__value_fail(reading->error, value, "%s.%s: '%.40s' is not a choice; %s", reading->what,
                          reading->option->name, value->text,
                          fv__suggest_name(known, sizeof known, value->text, reading->option->choices));
}

static fv_status read_pair(const option_reading *reading, int pair[2]) {
    const fv__value *value = reading->value;
    if (value->kind != FV__VALUE_LIST) {
        fv_status status = read_int(reading, value, &pair[0]);
        pair[1] = pair[0];
        return status;
    }
    if (value->count != 2) {
        return refuse_kind(reading, value);
    }
    fv_status status = read_int(reading, value->items[0], &pair[0]);
    return status ? status : read_int(reading, value->items[1], &pair[1]);
}

// Items of the value's list, or the value itself as the only one.
static fv_status read_list(const option_reading *reading, fv__int_list *whole, fv__float_list *real) {
    const fv__value *value = reading->value, *const *items = &value;
    size_t count = 1;
    if (value->kind == FV__VALUE_LIST) {
        count = value->count;
        items = (const fv__value *const *)value->items;
    }
    if (count > FV__MAX_NUMBERS) {
        return fv__value_fail(reading->error, value, "%s.%s: a list of %zu numbers; at most %d fit", reading->what,
                              reading->option->name, count, FV__MAX_NUMBERS);
    }
    fv_status status = FV_OK;
    for (size_t i = 0; i < count && !status; i++) {
        status =
            whole ? read_int(reading, items[i], &whole->values[i]) : read_float(reading, items[i], &real->values[i]);
    }
    *(whole ? &whole->count : &real->count) = (int)count;
    return status;
}

typedef union member {
    bool truth;
    int whole, choice, pair[2];
    double real;
    const char *text;
    fv__int_list int_list;
    fv__float_list float_list;
    const fv__value *value;
} member;

static size_t member_size(fv__option_kind kind) {
    static const size_t sizes[] = {
        [FV__BOOL] = sizeof(bool),
        [FV__INT] = sizeof(int),
        [FV__FLOAT] = sizeof(double),
        [FV__TEXT] = sizeof(char *),
        [FV__CHOICE] = sizeof(int),
        [FV__INT_PAIR] = 2 * sizeof(int),
        [FV__INT_LIST] = sizeof(fv__int_list),
        [FV__FLOAT_LIST] = sizeof(fv__float_list),
        [FV__LIST] = sizeof(fv__value *),
        [FV__MAP] = sizeof(fv__value *),
        [FV__ANY] = sizeof(fv__value *),
    };
    return sizes[kind];
}

static fv_status read_member(const option_reading *reading, member *read) {
    const fv__value *value = reading->value;
    read->value = value; // the nested kinds
    switch (reading->option->kind) {
    case FV__BOOL:
        return read_bool(reading, &read->truth);
    case FV__INT:
        return read_int(reading, value, &read->whole);
    case FV__FLOAT:
        return read_float(reading, value, &read->real);
    case FV__TEXT:
        read->text = value->text;
        return value->kind == FV__VALUE_SCALAR ? FV_OK : refuse_kind(reading, value);
    case FV__CHOICE:
        return read_choice(reading, &read->choice);
    case FV__INT_PAIR:
        return read_pair(reading, read->pair);
    case FV__INT_LIST:
        read->int_list = (fv__int_list){0};
        return read_list(reading, &read->int_list, NULL);
    case FV__FLOAT_LIST:
        read->float_list = (fv__float_list){0};
        return read_list(reading, NULL, &read->float_list);
    case FV__LIST:
        return value->kind == FV__VALUE_LIST ? FV_OK : refuse_kind(reading, value);
    case FV__MAP:
        return value->kind == FV__VALUE_MAP ? FV_OK : refuse_kind(reading, value);
    case FV__ANY:
        return FV_OK;
    }
    return fv__fail(reading->error, FV_INVALID, "%s.%s: a row of its table has no kind", reading->what,
                    reading->option->name);
}

static fv_status store(const option_reading *reading, void *target) {
    const fv__option *option = reading->option;
    if (reading->value->kind == FV__VALUE_NULL && option->kind != FV__ANY && !option->required &&
        (!option->default_text || option->kind >= FV__LIST)) {
        return FV_OK; // as without the key: all that was in it may be commented out
    }
    member read;
    fv_status status = read_member(reading, &read);
    if (!status) {
        memcpy(fv__option_member(option, target), &read, member_size(option->kind));
    }
    return status;
}

// --- defaults

// `document` is where nested values go; NULL when the reader has none.
static fv_status store_default(option_reading reading, fv__document *document, void *target) {
    const fv__option *option = reading.option;
    memset(fv__option_member(option, target), 0, member_size(option->kind));
    if (!option->default_text) {
        return FV_OK;
    }
    bool nested = option->kind >= FV__LIST;
    bool plain = !nested && *option->default_text != '[';
    if (plain) {
        reading.value = &(fv__value){.kind = FV__VALUE_SCALAR, .text = option->default_text, .source = "default"};
        return store(&reading, target);
    }
    fv__document *temporary = NULL;
    if (nested && !document) {
        return fv__fail(reading.error, FV_INVALID, "%s.%s: its default (%s) needs a document to live in", reading.what,
                        option->name, option->default_text);
    }
    if (!nested) {
        document = temporary = fv__document_new("default");
        if (!document) {
            return fv__fail_memory(reading.error, "a default");
        }
    }
    fv__value *parsed;
    fv__yaml_place place = {.source = "default"};
    fv_status status =
        fv__yaml_parse(document, option->default_text, strlen(option->default_text), place, &parsed, reading.error);
    if (!status) {
        reading.value = parsed;
        status = store(&reading, target);
    }
    fv__document_free(temporary);
    return status;
}

// --- the whole table

static fv_status refuse_key(const fv__option *table, const fv__key *key, const char *what, fv_error *error) {
    const char *names[FV__MAX_OPTIONS + 1] = {NULL};
    if (!table->name) {
        return fv__key_fail(error, key, "%s has no options; remove '%.80s'", what, key->name);
    }
    for (size_t i = 0; table[i].name; i++) {
        names[i] = table[i].name;
    }
    char known[600];
    return fv__key_fail(error, key, "%s has no option '%.80s'; %s", what, key->name,
                        fv__suggest_name(known, sizeof known, key->name, names));
}

static fv_status refuse_missing(const fv__option *option, const fv__value *value, const char *what, fv_error *error) {
    char kind[256], range[96];
    if (option->kind >= FV__LIST) { // what is in it says more
        return fv__value_fail(error, value, "%s.%s is missing: %s", what, option->name, option->sentence);
    }
    fv__option_range_text(option, range, sizeof range);
    return fv__value_fail(error, value, "%s.%s is missing: %s%s%s", what, option->name,
                          fv__option_kind_text(option, kind, sizeof kind), *range ? ", " : "", range);
}

static fv_status read_map(const fv__option *table, const fv__value *map, const char *what, bool *seen, void *target,
                          fv_error *error) {
    for (size_t i = 0; i < map->count; i++) {
        size_t row = 0;
        while (table[row].name && strcmp(table[row].name, map->keys[i].name)) {
            row++;
        }
        if (!table[row].name) {
            return refuse_key(table, &map->keys[i], what, error);
        }
        fv_status status = store(&(option_reading){&table[row], what, map->items[i], error}, target);
        if (status) {
            return status;
        }
        seen[row] = true;
    }
    return FV_OK;
}

static fv_status read_shorthand(const fv__option *table, const fv__value *value, const char *what, bool *seen,
                                void *target, fv_error *error) {
    size_t row = 0;
    while (table[row].name && !table[row].primary) {
        row++;
    }
    if (table[row].name) {
        seen[row] = true;
        return store(&(option_reading){&table[row], what, value, error}, target);
    }
    char found[64];
    fv__value_describe(value, found, sizeof found);
    return table->name ? fv__value_fail(error, value, "%s: expected options, like {%s: ...}, found %s", what,
                                        table->name, found)
                       : fv__value_fail(error, value, "%s has no options, found %s", what, found);
}

fv_status fv__options_read(const fv__option *table, const fv__value *value, const char *what, void *target,
                           fv_error *error) {
    bool seen[FV__MAX_OPTIONS] = {false};
    fv_status status = FV_OK;
    for (size_t row = 0; table[row].name; row++) {
        if (row == FV__MAX_OPTIONS) {
            return fv__fail(error, FV_INVALID, "%s: a table of more than %d options", what, FV__MAX_OPTIONS);
        }
        status =
            store_default((option_reading){&table[row], what, NULL, error}, value ? value->document : NULL, target);
        if (status) {
            return status;
        }
    }
    if (!fv__is_null(value)) {
        status = value->kind == FV__VALUE_MAP ? read_map(table, value, what, seen, target, error)
                                              : read_shorthand(table, value, what, seen, target, error);
    }
    for (size_t row = 0; table[row].name && !status; row++) {
        if (table[row].required && !seen[row]) {
            status = refuse_missing(&table[row], value, what, error);
        }
    }
    return status;
}

// SPDX-License-Identifier: Apache-2.0
// The other uses of option tables: in words, back into a recipe, onto the reference page, and a check of the table
// itself.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/options.h"
#include "formats/options_table.h"

// --- in words, also for messages

const char *fv__option_kind_text(const fv__option *option, char *buffer, size_t size) {
    static const char *const texts[] = {
        [0] = "(no kind)",
        [FV__BOOL] = "true or false",
        [FV__INT] = "a whole number",
        [FV__FLOAT] = "a number",
        [FV__TEXT] = "text",
        [FV__INT_PAIR] = "a whole number or [height, width]",
        [FV__INT_LIST] = "a whole number or a list of them",
        [FV__FLOAT_LIST] = "a number or a list of them",
        [FV__LIST] = "a list",
        [FV__MAP] = "a map",
        [FV__ANY] = "text, a list or a map",
    };
    if (option->kind != FV__CHOICE) {
        snprintf(buffer, size, "%s", texts[option->kind]);
        return buffer;
    }
    size_t length = (size_t)snprintf(buffer, size, "one of ");
    for (size_t i = 0; option->choices[i] && length < size; i++) {
        length += (size_t)snprintf(buffer + length, size - length, "%s%s", i ? ", " : "", option->choices[i]);
    }
    return buffer;
}

bool fv__option_has_range(const fv__option *option) {
    return option->minimum != 0 || option->maximum != 0;
}

const char *fv__option_range_text(const fv__option *option, char *buffer, size_t size) {
    char low[FV__NUMBER_SIZE], high[FV__NUMBER_SIZE];
    bool has_low = fv__option_has_range(option) && isfinite(option->minimum);
    bool has_high = fv__option_has_range(option) && isfinite(option->maximum);
    fv__format_float(low, option->minimum);
    fv__format_float(high, option->maximum);
    if (has_low && has_high && !option->above_minimum && !option->below_maximum) {
        snprintf(buffer, size, "%s to %s", low, high);
    } else {
        snprintf(buffer, size, "%s%s%s%s%s", has_low ? (option->above_minimum ? "above " : "at least ") : "",
                 has_low ? low : "", has_low && has_high ? " and " : "",
                 has_high ? (option->below_maximum ? "below " : "at most ") : "", has_high ? high : "");
    }
    return buffer;
}

// --- back into a recipe

static fv__value *write_numbers(fv__document *document, int count, const int *whole, const double *real) {
    fv__value *list = fv__value_new(document, FV__VALUE_LIST);
    for (int i = 0; i < count && list; i++) {
        fv__value *item = whole ? fv__value_int(document, whole[i]) : fv__value_float(document, real[i]);
        if (!item || fv__list_add(list, item, NULL)) {
            return NULL;
        }
    }
    return list;
}

// What can be in memory but not in a recipe.
static bool is_writable(const fv__option *option, const void *member) {
    if (option->kind == FV__FLOAT) {
        return isfinite(*(const double *)member);
    }
    if (option->kind == FV__CHOICE) {
        int choice = *(const int *)member, count = 0;
        while (option->choices[count]) {
            count++;
        }
        return choice >= 0 && choice < count;
    }
    const fv__float_list *list = member;
    for (int i = 0; option->kind == FV__FLOAT_LIST && i < list->count; i++) {
        if (!isfinite(list->values[i])) {
            return false;
        }
    }
    return true;
}

// NULL when out of memory.
static fv__value *write_member(const fv__option *option, const void *member, fv__document *document) {
    const int *whole = member;
    const fv__int_list *int_list = member;
    const fv__float_list *float_list = member;
    switch (option->kind) {
    case FV__BOOL:
        return fv__value_bool(document, *(const bool *)member);
    case FV__INT:
        return fv__value_int(document, *whole);
    case FV__FLOAT:
        return fv__value_float(document, *(const double *)member);
    case FV__TEXT:
        return fv__value_text(document, *(const char *const *)member);
    case FV__CHOICE:
        return fv__value_text(document, option->choices[*whole]);
    case FV__INT_PAIR:
        return whole[0] == whole[1] ? fv__value_int(document, *whole) : write_numbers(document, 2, whole, NULL);
    case FV__INT_LIST:
        return write_numbers(document, int_list->count, int_list->values, NULL);
    case FV__FLOAT_LIST:
        return write_numbers(document, float_list->count, NULL, float_list->values);
    case FV__LIST:
    case FV__MAP:
    case FV__ANY:
        return fv__value_copy(document, *(const fv__value *const *)member);
    }
    return NULL;
}

static bool is_unset(const fv__option *option, const void *member) {
    return (option->kind == FV__TEXT && !*(const char *const *)member) ||
           (option->kind >= FV__LIST && !*(const fv__value *const *)member);
}

fv_status fv__options_write(const fv__option *table, const void *source, fv__document *document, fv__value **map,
                            fv_error *error) {
    fv__value *written = fv__value_new(document, FV__VALUE_MAP);
    if (!written) {
        return fv__fail_memory(error, "writing options");
    }
    for (const fv__option *option = table; option->name; option++) {
        const void *member = fv__option_member(option, source);
        if (is_unset(option, member)) {
            continue;
        }
        if (!is_writable(option, member)) {
            return fv__fail(error, FV_INVALID, "%s: its value cannot be written in a recipe", option->name);
        }
        fv__value *item = write_member(option, member, document);
        if (!item) {
            return fv__fail_memory(error, "writing options");
        }
        fv_status status = fv__map_set(written, option->name, item, error);
        if (status) {
            return status;
        }
    }
    *map = written;
    return FV_OK;
}

// --- onto the reference page

// A bar would end the cell.
static void add_cell(fv__text *out, const char *text) {
    for (; *text; text++) {
        fv__text_add(out, *text == '|' ? "\\" : "");
        fv__text_add_bytes(out, text, 1);
    }
    fv__text_add(out, " | ");
}

void fv__options_describe(const fv__option *table, fv__text *out) {
    fv__text_add(out, "| option | kind | default | range | meaning |\n| --- | --- | --- | --- | --- |\n");
    for (const fv__option *option = table; option->name; option++) {
        char kind[512], range[96];
        fv__text_addf(out, "| `%s` | ", option->name);
        add_cell(out, fv__option_kind_text(option, kind, sizeof kind));
        if (option->default_text) {
            fv__text_addf(out, "`%s` | ", *option->default_text ? option->default_text : "\"\"");
        } else {
            fv__text_add(out, option->required ? "required | " : "none | ");
        }
        add_cell(out, fv__option_range_text(option, range, sizeof range));
        add_cell(out, option->sentence ? option->sentence : "");
        out->length -= out->failed ? 0 : 1; // the blank after the last bar
        fv__text_add(out, "\n");
    }
}

// --- the table itself

static const char *find_flaw(const fv__option *table, const fv__option *option) {
    bool nullable = option->kind == FV__TEXT || option->kind >= FV__INT_LIST;
    if (option->kind < FV__BOOL || option->kind > FV__ANY) {
        return "no kind";
    }
    if (option->kind == FV__CHOICE && (!option->choices || !option->choices[0])) {
        return "no choices";
    }
    if (!option->sentence || !*option->sentence) {
        return "no sentence";
    }
    if (option->required && option->default_text) {
        return "required and a default";
    }
    if (!option->required && !option->default_text && !nullable) {
        return "neither required nor a default";
    }
    if (option->minimum > option->maximum) {
        return "an empty range";
    }
    for (const fv__option *other = table; other < option; other++) {
        if (!strcmp(other->name, option->name)) {
            return "a name that is there already";
        }
        if (other->primary && option->primary) {
            return "a second primary option";
        }
    }
    return NULL;
}

fv_status fv__options_check(const fv__option *table, const char *what, fv_error *error) {
    fv_status status = FV_OK;
    fv__document *document = fv__document_new(what);
    if (!document) {
        return fv__fail_memory(error, "checking options");
    }
    for (const fv__option *option = table; option->name && !status; option++) {
        const char *flaw = find_flaw(table, option);
        if (flaw) {
            status = fv__fail(error, FV_INVALID, "table of %s: %s has %s", what, option->name, flaw);
            break;
        }
        // The row alone, with its default, into a target big enough for any kind.
        fv__option alone[2] = {*option, {0}};
        alone[0].offset = 0;
        alone[0].required = false;
        fv__float_list target;
        status = fv__options_read(alone, fv__document_nothing(document), what, &target, error);
        if (status) {
            fv__fail_in(error, status, "table of %s", what);
        }
    }
    fv__document_free(document);
    return status;
}

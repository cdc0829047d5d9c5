// SPDX-License-Identifier: Apache-2.0
#include "support/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/memory.h"
#include "support/say.h"
#include "support/text.h"

int cli_json_print(json_t *value, bool pretty) {
    const size_t flags = JSON_REAL_PRECISION(9) | (pretty ? JSON_INDENT(2) : JSON_COMPACT);
    const bool printed = value && json_dumpf(value, stdout, flags) == 0;
    json_decref(value);
    if (!printed) {
        if (!ferror(stdout)) { // which main notices
            cli_say("out of memory");
        }
        return CLI_FAILED;
    }
    putchar('\n');
    fflush(stdout); // so that a program that reads line by line sees it now
    return CLI_OK;
}

json_t *cli_json_text(const char *text) {
    char *clean = cli_clean(text);
    json_t *value = json_string(clean);
    free(clean);
    return value;
}

json_t *cli_json_number(double number) {
    return isfinite(number) ? json_real(number) : json_null();
}

json_t *cli_json_shape(const cli_shape *shape) {
    json_t *list = json_array();
    for (int i = 0; i < shape->rank; i++) {
        json_array_append_new(list, json_integer(shape->sizes[i]));
    }
    return list;
}

static void add_number(json_t *object, const char *prefix, const char *name, double number) {
    char *key = cli_format("%s%s", prefix, name);
    json_object_set_new(object, key, cli_json_number(number));
    free(key);
}

void cli_json_metrics(json_t *object, const char *prefix, const fv_metrics *metrics) {
    add_number(object, prefix, "loss", metrics->loss);
    add_number(object, prefix, "accuracy", metrics->accuracy);
    for (int i = 0; i < FV_MAX_TOP && metrics->top_k[i]; i++) {
        char name[16];
        snprintf(name, sizeof name, "top%d", metrics->top_k[i]);
        add_number(object, prefix, name, metrics->top[i]);
    }
}

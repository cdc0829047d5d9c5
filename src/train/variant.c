// SPDX-License-Identifier: Apache-2.0
#include "train/variant.h"

#include <string.h>

enum { MOST_VARIANTS = 16 };

static fv_status refuse(const fv__variant *variants, const fv__value *value, const char *what, const char *name,
                        fv_error *error) {
    const char *names[MOST_VARIANTS + 1] = {NULL};
    for (int i = 0; variants[i].name && i < MOST_VARIANTS; i++) {
        names[i] = variants[i].name;
    }
    char known[256];
    return fv__value_fail(error, value, "%s: there is no '%.80s'; %s", what, name,
                          fv__suggest_name(known, sizeof known, name, names));
}

fv_status fv__variant_read(const fv__variant *variants, const fv__value *value, const char *what, int *index,
                           void *target, fv_error *error) {
    const char *name;
    const fv__value *arguments;
    fv_status status = fv__value_named(value, what, &name, &arguments, error);
    if (status) {
        return status;
    }
    int found = 0;
    while (variants[found].name && strcmp(variants[found].name, name) != 0) {
        found++;
    }
    if (!variants[found].name) {
        return refuse(variants, value, what, name, error);
    }
    *index = found;
    return fv__options_read(variants[found].options, arguments, name, target, error);
}

fv_status fv__variant_write(const fv__variant *variant, const void *source, fv__document *document, fv__value **written,
                            fv_error *error) {
    fv__value *options;
    fv_status status = fv__options_write(variant->options, source, document, &options, error);
    if (status) {
        return status;
    }
    if (options->count == 0) {
        *written = fv__value_text(document, variant->name);
        return *written ? FV_OK : fv__fail_memory(error, "the recipe");
    }
    *written = fv__value_new(document, FV__VALUE_MAP);
    return *written ? fv__map_set(*written, variant->name, options, error) : fv__fail_memory(error, "the recipe");
}

void fv__variants_describe(const fv__variant *variants, const char *what, fv__text *out) {
    for (const fv__variant *variant = variants; variant->name; variant++) {
        fv__text_addf(out, "\n### %s `%s`\n\n%s\n", what, variant->name, variant->sentence);
        if (variant->options->name) {
            fv__text_add(out, "\n");
            fv__options_describe(variant->options, out);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Rules that say what the arrays of another program are called here, and how they are laid out there.
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "formats/weights.h"

typedef struct rule {
    char *theirs, *ours; // `theirs` holds the memory of both
    bool transpose;
} rule;

static fv_status parse_rule(const char *text, rule *out, fv_error *error) {
    static const char ending[] = ":transpose";
    const size_t tail = sizeof ending - 1;
    *out = (rule){.theirs = fv__strdup(text)};
    if (!out->theirs) {
        return fv__fail_memory(error, "a rule");
    }
    char *equals = strchr(out->theirs, '=');
    if (!equals || equals == out->theirs || !equals[1]) {
        return fv__fail(error, FV_INVALID, "'%.200s' is no rule: THEIRS=OURS is, or THEIRS=OURS:transpose", text);
    }
    *equals = 0;
    out->ours = equals + 1;
    size_t length = strlen(out->ours);
    if (length > tail && strcmp(out->ours + length - tail, ending) == 0) {
        out->transpose = true;
        out->ours[length - tail] = 0;
    }
    const char *star = strchr(out->theirs, '*'), *our_star = strchr(out->ours, '*');
    if (!star != !our_star || (star && (strchr(star + 1, '*') || strchr(our_star + 1, '*')))) {
        return fv__fail(error, FV_INVALID, "'%.200s': a star stands on both sides, once, or on none", text);
    }
    return FV_OK;
}

// What the rule makes of a name: *mapped stays NULL where it does not fit. false: out of memory.
static bool apply_to_name(const rule *now, const char *name, char **mapped) {
    const char *star = strchr(now->theirs, '*'), *our_star = strchr(now->ours, '*');
    *mapped = NULL;
    if (!star) {
        return strcmp(name, now->theirs) != 0 || (*mapped = fv__strdup(now->ours));
    }
    size_t head = (size_t)(star - now->theirs), tail = strlen(star + 1), length = strlen(name);
    if (length < head + tail || strncmp(name, now->theirs, head) != 0 || strcmp(name + length - tail, star + 1) != 0) {
        return true;
    }
    *mapped = fv__format("%.*s%.*s%s", (int)(our_star - now->ours), now->ours, (int)(length - head - tail), name + head,
                         our_star + 1);
    return *mapped;
}

// (out, in) to (in, out); (out, in, height, width) to (height, width, in, out)
static fv_status turn(fv__weight_array *array, fv_error *error) {
    if (array->rank != 2 && array->rank != 4) {
        return fv__fail(error, FV_INVALID, "%s %s cannot be transposed: matrices and kernels of four axes can",
                        array->name, fv__weight_shape_print(array).text);
    }
    float *values = fv__alloc_array(array->count, sizeof *values);
    if (!values) {
        return fv__fail_memory(error, array->name);
    }
    const int64_t *size = array->shape;
    size_t out = (size_t)size[0], in = (size_t)size[1];
    size_t window = array->rank == 4 ? (size_t)(size[2] * size[3]) : 1;
    for (size_t o = 0; o < out; o++) {
        for (size_t i = 0; i < in; i++) {
            for (size_t w = 0; w < window; w++) {
                values[(w * in + i) * out + o] = array->values[(o * in + i) * window + w];
            }
        }
    }
    int64_t turned[4] = {size[1], size[0]};
    if (array->rank == 4) {
        memcpy(turned, (int64_t[]){size[2], size[3], size[1], size[0]}, sizeof turned);
    }
    memcpy(array->shape, turned, (size_t)array->rank * sizeof *turned);
    fv__free(array->values);
    array->values = values;
    return FV_OK;
}

static fv_status apply(const rule *now, fv__weights *weights, const char *text, fv_error *error) {
    fv_status status = FV_OK;
    bool fits = false;
    for (int i = 0; i < weights->count && !status; i++) {
        fv__weight_array *array = &weights->arrays[i];
        char *mapped;
        if (!apply_to_name(now, array->name, &mapped)) {
            status = fv__fail_memory(error, "a rule");
        } else if (mapped) {
            fits = true;
            fv__free(array->mapped);
            array->mapped = mapped;
            array->turned = now->transpose && array->rank >= 2;
        }
    }
    if (!status && !fits) {
        status = fv__fail(error, FV_INVALID, "the rule '%.200s' fits no array of the file", text);
    }
    return status;
}

fv_status fv__weights_map(fv__weights *weights, const char *text, fv_error *error) {
    rule now;
    fv_status status = parse_rule(text, &now, error);
    if (!status) {
        status = apply(&now, weights, text, error);
    }
    fv__free(now.theirs);
    return status;
}

fv_status fv__weights_turn(fv__weights *weights, fv_error *error) {
    fv_status status = FV_OK;
    for (int i = 0; i < weights->count && !status; i++) {
        fv__weight_array *array = &weights->arrays[i];
        if (array->turned) {
            status = turn(array, error);
            array->turned = status != FV_OK;
        }
    }
    return status;
}

fv_status fv__weights_map_file(fv__weights *weights, const char *path, fv_error *error) {
    enum { LIMIT = 1 << 24 };
    uint8_t *bytes;
    size_t size;
    fv_status status = fv__file_read(path, LIMIT, &bytes, &size, error);
    if (status) {
        return status;
    }
    int number = 1;
    for (char *line = (char *)bytes; line && !status; number++) {
        char *end = strchr(line, '\n');
        if (end) {
            *end = 0;
        }
        line += strspn(line, " \t\r");
        for (size_t length = strlen(line); length > 0 && strchr(" \t\r", line[length - 1]); length--) {
            line[length - 1] = 0;
        }
        if (line[0] && line[0] != '#' && (status = fv__weights_map(weights, line, error))) {
            status = fv__fail_in(error, status, "%s:%d", path, number);
        }
        line = end ? end + 1 : NULL;
    }
    fv__free(bytes);
    return status;
}

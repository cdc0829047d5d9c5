// SPDX-License-Identifier: Apache-2.0
// Whether an array of a file and a weight of the model are the same thing: by name, and by shape.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/import.h"

// --- Names

// What Keras calls otherwise.
static const struct {
    const char *theirs, *ours;
} synonyms[] = {
    {"depthwise_kernel", "kernel"}, {"attention_output", "output"}, {"output_dense", "output"},
    {"query_dense", "query"},       {"key_dense", "key"},           {"value_dense", "value"},
};

// A part of a name between slashes.
typedef struct part {
    const char *text;
    size_t length;
} part;

static part resolve(part name) {
    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++) {
        if (strlen(synonyms[i].theirs) == name.length && strncmp(synonyms[i].theirs, name.text, name.length) == 0) {
            return (part){synonyms[i].ours, strlen(synonyms[i].ours)};
        }
    }
    return name;
}

static bool same(part a, part b) {
    a = resolve(a);
    b = resolve(b);
    return a.length == b.length && strncmp(a.text, b.text, a.length) == 0;
}

// The last part before `*end`, which moves in front of it; false when there is none.
static bool last_part(const char *name, size_t *end, part *out) {
    if (*end == 0) {
        return false;
    }
    size_t begin = *end;
    while (begin > 0 && name[begin - 1] != '/') {
        begin--;
    }
    *out = (part){name + begin, *end - begin};
    *end = begin > 0 ? begin - 1 : 0;
    return true;
}

static int count_parts(const char *name) {
    int count = 1;
    for (; *name; name++) {
        count += *name == '/';
    }
    return count;
}

int fv__import_agreement(const char *ours, int index, const char *theirs) {
    enum { A_PART = 16 };
    size_t our_end = strlen(ours), their_end = strlen(theirs);
    int common = 0, our_parts = count_parts(ours), more = count_parts(theirs);
    part a, b;
    while (last_part(ours, &our_end, &a) && last_part(theirs, &their_end, &b)) {
        char number[16];
        snprintf(number, sizeof number, "%d", index);
        bool by_number = common == 0 && strlen(number) == b.length && strncmp(number, b.text, b.length) == 0;
        if (!by_number && !same(a, b)) {
            break;
        }
        common++;
    }
    more -= common;
    bool enough = common == our_parts || (common >= 2 && common == our_parts - 1);
    return enough ? A_PART * common - (more < A_PART ? more : A_PART - 1) : 0;
}

// --- Shapes

static int add_axis(int64_t *axes, int count, int64_t size) {
    axes[count] = size;
    return count + (size != 1); // axes of 1 make no difference
}

// Whether one shape becomes the other by joining neighbouring axes, so that the values lie alike. Both have as many.
static bool lies_alike(const fv__shape *ours, const fv__weight_array *theirs) {
    int64_t left[FV__TENSOR_RANK + 1], right[FV__TENSOR_RANK + 1];
    int left_count = 0, right_count = 0;
    for (int axis = 0; axis < ours->rank; axis++) {
        left_count = add_axis(left, left_count, ours->size[axis]);
    }
    for (int axis = 0; axis < theirs->rank; axis++) {
        right_count = add_axis(right, right_count, theirs->shape[axis]);
    }
    for (int a = 0, b = 0; a < left_count && b < right_count;) {
        int64_t l = left[a++], r = right[b++];
        bool joined_left = false, joined_right = false;
        while (l < r && a < left_count) {
            l *= left[a++];
            joined_left = true;
        }
        while (r < l && b < right_count) {
            r *= right[b++];
            joined_right = true;
        }
        if (l != r || (joined_left && joined_right)) {
            return false;
        }
    }
    return true;
}

fv__import_fit fv__import_compare(const fv__parameter *parameter, const fv__weight_array *array) {
    if (parameter->count != array->count || !lies_alike(&parameter->shape, array)) {
        return FV__IMPORT_SHAPE;
    }
    for (size_t i = 0; i < array->count; i++) {
        if (!isfinite(array->values[i])) {
            return FV__IMPORT_NOT_FINITE;
        }
    }
    return FV__IMPORT_MATCHED;
}

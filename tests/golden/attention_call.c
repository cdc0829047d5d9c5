// SPDX-License-Identifier: Apache-2.0
// Cases of multi-head attention through the public call, forward and backward.
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fovea.h"
#include "golden.h"

// The order of fv_attention_parameters.
static const char *const names[] = {"wq_kernel", "wq_bias", "wk_kernel", "wk_bias",
                                    "wv_kernel", "wv_bias", "wo_kernel", "wo_bias"};
enum { ARRAYS = sizeof names / sizeof *names };

static fv_tokens tokens(golden_case *golden, const char *name) {
    const fv__tensor_entry *entry = golden_tensor(golden, name);
    return entry ? (fv_tokens){entry->data, (int)entry->shape[0], (int)entry->shape[1], (int)entry->shape[2]}
                 : (fv_tokens){0};
}

static void each_parameter(const fv_attention_parameters *parameters, float *arrays[ARRAYS]) {
    memcpy(arrays, parameters, sizeof *parameters);
}

static void load(golden_case *golden, fv_attention *attention) {
    float *arrays[ARRAYS];
    const fv_attention_parameters parameters = *fv_attention_get_parameters(attention);
    each_parameter(&parameters, arrays);
    for (int i = 0; i < ARRAYS; i++) {
        const fv__tensor_entry *entry = golden_tensor(golden, names[i]);
        if (entry) {
            memcpy(arrays[i], entry->data, entry->bytes);
        }
    }
}

static size_t count_of(golden_case *golden, const char *name) {
    const fv__tensor_entry *entry = golden_tensor(golden, name);
    return entry ? entry->bytes / sizeof(float) : 0;
}

static void forward(golden_case *golden, fv_attention *attention, const fv_tokens in[3], const fv_mask *mask) {
    size_t outputs = count_of(golden, "y"), weights = count_of(golden, "attention");
    float *y = fv__alloc_array(outputs + 1, sizeof *y), *seen = fv__alloc_array(weights + 1, sizeof *seen);
    if (!golden->status) {
        golden->status = fv_attention_forward(attention, in[0], in[1], in[2], mask, y, seen, &golden->error);
    }
    golden_compare(golden, "call: y", y, golden_floats(golden, "y"), outputs, GOLDEN_FORWARD, 0);
    golden_compare(golden, "call: attention", seen, golden_floats(golden, "attention"), weights, GOLDEN_FORWARD, 0);
    fv__free(y);
    fv__free(seen);
}

static void backward(golden_case *golden, fv_attention *attention, const fv_tokens in[3], const fv_mask *mask) {
    static const char *const inputs[3] = {"dquery", "dkey", "dvalue"};
    float *gradients[3], *arrays[ARRAYS];
    double floor = 0.01 * golden_gradient_scale(golden);
    for (int i = 0; i < 3; i++) {
        gradients[i] = fv__alloc_array(count_of(golden, inputs[i]) + 1, sizeof(float));
    }
    if (!golden->status) {
        golden->status = fv_attention_backward(attention, in[0], in[1], in[2], mask, golden_floats(golden, "dy"),
                                               gradients[0], gradients[1], gradients[2], &golden->error);
    }
    const fv_attention_parameters parameters = *fv_attention_get_gradients(attention);
    each_parameter(&parameters, arrays);
    for (int i = 0; i < 3; i++) {
        golden_compare(golden, inputs[i], gradients[i], golden_floats(golden, inputs[i]), count_of(golden, inputs[i]),
                       GOLDEN_GRADIENT, floor);
        fv__free(gradients[i]);
    }
    for (int i = 0; i < ARRAYS; i++) {
        char name[16] = "d";
        strcat(name, names[i]);
        golden_compare(golden, name, arrays[i], golden_floats(golden, name), count_of(golden, name), GOLDEN_GRADIENT,
                       floor);
    }
}

void golden_check_attention_call(golden_case *golden) {
    fv_tokens in[3] = {tokens(golden, "query"), tokens(golden, "key"), tokens(golden, "value")};
    fv_mask given = {0}, *mask = NULL;
    if (!golden->status && golden_has(golden, "mask")) {
        const fv__tensor_entry *entry = golden_tensor(golden, "mask");
        given = (fv_mask){.values = entry->data, .rank = entry->rank};
        for (int i = 0; i < entry->rank && i < 4; i++) {
            given.shape[i] = (int)entry->shape[i];
        }
        mask = &given;
    }
    fv_attention_options options = {.size = sizeof options,
                                    .d_model = golden_int(golden, "d_model", 1),
                                    .heads = golden_int(golden, "heads", 1),
                                    .query_width = in[0].width,
                                    .key_width = in[1].width,
                                    .value_width = in[2].width,
                                    .threads = 2};
    fv_attention *attention = NULL;
    if (!golden->status) {
        setenv("FOVEA_ISA", golden->kernels->level, 1); // the call chooses for itself
        golden->status = fv_attention_create(&options, &attention, &golden->error);
    }
    if (!golden->status) {
        load(golden, attention);
        forward(golden, attention, in, mask);
        backward(golden, attention, in, mask);
    }
    fv_attention_free(attention);
}

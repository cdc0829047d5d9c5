// SPDX-License-Identifier: Apache-2.0
// The attention layer alone: two sequences of 4 query tokens look at 6 key tokens of another width; the second sequence
// has only 3 keys, the rest is padding. Prints who looks where, then trains the layer a little towards a target.
//   cc attention_layer.c $(pkg-config --cflags --libs fovea) -lm -o attention_layer && ./attention_layer
#include <fovea.h>
#include <math.h>
#include <stdio.h>

enum { BATCH = 2, QUERIES = 4, KEYS = 6, HEADS = 2, D_MODEL = 8, KEY_WIDTH = 5, STEPS = 200 };

int main(void) {
    float query[BATCH * QUERIES * D_MODEL], memory[BATCH * KEYS * KEY_WIDTH], target[BATCH * QUERIES * D_MODEL];
    float output[BATCH * QUERIES * D_MODEL], gradient[BATCH * QUERIES * D_MODEL];
    float weights[BATCH * HEADS * QUERIES * KEYS];
    const int32_t padding[BATCH * KEYS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0};
    const fv_mask mask = {.values = padding, .rank = 4, .shape = {BATCH, 1, 1, KEYS}};
    for (int i = 0; i < BATCH * QUERIES * D_MODEL; i++) {
        query[i] = sinf((float)i);
        target[i] = cosf(3 * (float)i);
    }
    for (int i = 0; i < BATCH * KEYS * KEY_WIDTH; i++) {
        memory[i] = sinf(2 * (float)i);
    }
    const fv_tokens q = {query, BATCH, QUERIES, D_MODEL}, kv = {memory, BATCH, KEYS, KEY_WIDTH};
    fv_attention_options options = {.size = sizeof options,
                                    .d_model = D_MODEL,
                                    .heads = HEADS,
                                    .key_width = KEY_WIDTH,
                                    .value_width = KEY_WIDTH,
                                    .seed = 1};
    fv_attention *attention;
    fv_error error;
    fv_status status = fv_attention_create(&options, &attention, &error);
    for (int step = 0; !status && step < STEPS; step++) {
        double loss = 0;
        status = fv_attention_forward(attention, q, kv, kv, &mask, output, weights, &error);
        for (int i = 0; i < BATCH * QUERIES * D_MODEL; i++) {
            gradient[i] = output[i] - target[i];
            loss += 0.5 * (double)gradient[i] * (double)gradient[i];
        }
        if (!status) {
            status = fv_attention_backward(attention, q, kv, kv, &mask, gradient, NULL, NULL, NULL, &error);
        }
        const fv_attention_parameters value = *fv_attention_get_parameters(attention),
                                      slope = *fv_attention_get_gradients(attention);
        for (int i = 0; i < D_MODEL * D_MODEL; i++) { // of the eight arrays, only the output's kernel here
            value.output_kernel[i] -= 0.05F * slope.output_kernel[i];
            slope.output_kernel[i] = 0; // backward adds to it
        }
        if (step % 50 == 0 || step == STEPS - 1) {
            printf("step %3d: loss %.4f\n", step, loss);
        }
    }
    for (int k = 0; !status && k < KEYS; k++) {
        printf("sequence 1, head 0, query 0 looks at key %d: %.3f\n", k, (double)weights[HEADS * QUERIES * KEYS + k]);
    }
    if (status) {
        fprintf(stderr, "%s\n", error.message);
    }
    fv_attention_free(attention);
    return status ? 1 : 0;
}

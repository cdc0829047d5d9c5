// SPDX-License-Identifier: Apache-2.0
// Sets a case up: infer, values, and what the reference makes of them.
#include "harness_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ops/check.h"

void *obtain(size_t size) {
    void *block = aligned_alloc(64, (size + 63) / 64 * 64 + 64);
    if (!block) {
        fail_msg("out of memory");
    }
    return memset(block, 0, size);
}

void broken(const bench *b, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fail_msg("%s: %s (%s): %s", b->op->name, b->test->name, b->kernels->level, text);
    abort(); // not reached
}

double bench_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-52 - 1;
}

static void check_refusal(const bench *b, fv_status status, const fv_error *error) {
    if (status == FV_OK) {
        broken(b, "infer accepted what it should refuse, output %s", fv__shape_print(&b->node.output).text);
    }
    if (!strstr(error->message, b->test->refusal)) {
        broken(b, "infer says \"%s\", which does not contain \"%s\"", error->message, b->test->refusal);
    }
}

static void fill_values(bench *b) {
    uint64_t state = 12345;
    for (int i = 0; i < b->node.input_count; i++) {
        const size_t count = b->in_count[i] * (size_t)(b->node.input_is_weight[i] ? 1 : b->samples);
        float *values = obtain(count * sizeof *values);
        for (size_t j = 0; j < count; j++) {
            values[j] = (float)bench_random(&state);
        }
        if (b->test->prepare) {
            b->test->prepare(b->test, i, values, count);
        }
        b->in[i] = obtain(count * sizeof(double));
        for (size_t j = 0; j < count; j++) {
            b->in[i][j] = (double)values[j];
        }
        free(values);
    }
    for (size_t j = 0; j < b->out_count * (size_t)b->samples; j++) {
        b->d_out[j] = (double)(float)bench_random(&state);
    }
    const int32_t classes = b->node.input_count ? fv__shape_features(&b->node.inputs[0]) : 1;
    for (int s = 0; s < b->samples; s++) {
        b->sample_ids[s] = 1000 + 7 * (uint64_t)s;
        b->targets[s] = (fv__target){
            .label = s % classes, .other = (s + 2) % classes, .mix = s % 2 ? 0.25f : 0, .weight = s % 3 ? 1 : 2.5f};
    }
}

bool bench_open(bench *b, const op_cases *cases, const op_case *test, const fv__op *op, const fv__kernels *kernels) {
    *b = (bench){
        .cases = cases, .test = test, .op = op, .kernels = kernels, .samples = test->samples ? test->samples : 3};
    b->node = (fv__op_node){.attributes = test->attributes, .input_count = op_case_input_count(test), .id = 5};
    bool weights_only = b->node.input_count > 0;
    for (int i = 0; i < b->node.input_count; i++) {
        b->node.inputs[i] = test->inputs[i].shape;
        b->node.input_is_weight[i] = test->inputs[i].weight;
        b->in_count[i] = fv__shape_elements(&test->inputs[i].shape);
        weights_only = weights_only && test->inputs[i].weight;
    }
    b->node.cadence = weights_only ? FV__CADENCE_STEP : FV__CADENCE_SAMPLE;
    b->samples = weights_only ? 1 : b->samples;
    fv_error error = {0};
    const fv_status status = op->infer(&b->node, &error);
    if (test->refusal) {
        check_refusal(b, status, &error);
        return false;
    }
    if (status != FV_OK) {
        broken(b, "infer fails: %s", error.message);
    }
    if (!fv__shape_equal(&b->node.output, &test->output)) {
        broken(b, "infer says %s instead of %s", fv__shape_print(&b->node.output).text,
               fv__shape_print(&test->output).text);
    }
    b->out_count = fv__shape_elements(&b->node.output);
    if (op->multiply_adds && op->multiply_adds(&b->node) < 0) {
        broken(b, "a negative number of operations");
    }
    if (op->view && b->out_count != b->in_count[0]) {
        broken(b, "a view with another number of elements");
    }
    if (!op->forward) {
        return false;
    }
    if (op->auxiliary) {
        fv__shape shape = {0};
        op->auxiliary(&b->node, &shape);
        b->auxiliary_count = fv__shape_elements(&shape);
    }
    const size_t samples = (size_t)b->samples;
    b->out = obtain(samples * b->out_count * sizeof(double));
    b->d_out = obtain(samples * b->out_count * sizeof(double));
    b->auxiliary = b->auxiliary_count ? obtain(samples * b->auxiliary_count * sizeof(double)) : NULL;
    b->sample_ids = obtain(samples * sizeof *b->sample_ids);
    b->targets = obtain(samples * sizeof *b->targets);
    fill_values(b);
    for (int s = 0; s < b->samples; s++) {
        bench_reference(b, b->in, s, b->out + (size_t)s * b->out_count,
                        b->auxiliary ? b->auxiliary + (size_t)s * b->auxiliary_count : NULL);
    }
    return true;
}

void bench_close(bench *b) {
    for (int i = 0; i < FV__MAX_INPUTS; i++) {
        free(b->in[i]);
    }
    free(b->out);
    free(b->d_out);
    free(b->auxiliary);
    free(b->sample_ids);
    free(b->targets);
}

void bench_reference(const bench *b, double *const in[], int sample, double *out, double *auxiliary) {
    reference_call call = {.test = b->test,
                           .node = &b->node,
                           .out = out,
                           .auxiliary = auxiliary,
                           .training = b->test->training,
                           .seed = SEED,
                           .epoch = EPOCH,
                           .sample_id = b->sample_ids[sample],
                           .target = &b->targets[sample]};
    for (int i = 0; i < b->node.input_count; i++) {
        call.in[i] = in[i] + (b->node.input_is_weight[i] ? 0 : (size_t)sample * b->in_count[i]);
    }
    b->cases->reference(&call);
}

uint32_t bench_wants(const bench *b) {
    uint32_t wants = 0;
    for (int i = 0; i < b->node.input_count; i++) {
        wants |= b->test->inputs[i].constant ? 0 : 1u << i;
    }
    return wants;
}

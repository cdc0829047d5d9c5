// Sets a case up: values, guarded arrays, calls.
#include "harness_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "kernels/draw.h"
#include "ops/check.h"

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum { GUARD = 256, CANARY = 0xA7, SCRAMBLED = 0xFF }; // bytes; a float of scrambled bytes is not a number

static void *obtain(size_t size) {
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
        b->targets[s] = (fv__target){.label = s % classes, .other = (s + 2) % classes, .mix = s % 2 ? 0.25f : 0};
    }
}

bool bench_open(bench *b, const op_case *test, const fv__op *op, const fv__kernels *kernels) {
    *b = (bench){.test = test, .op = op, .kernels = kernels, .samples = test->samples ? test->samples : 3};
    b->node = (fv__op_node){.attributes = test->attributes, .input_count = test->input_count, .id = 5};
    bool weights_only = test->input_count > 0;
    for (int i = 0; i < test->input_count; i++) {
        b->node.inputs[i] = test->inputs[i].shape;
        b->node.input_is_weight[i] = test->inputs[i].weight;
        b->in_count[i] = fv__shape_elements(&test->inputs[i].shape);
        weights_only = weights_only && test->inputs[i].weight;
    }
    b->node.rate = weights_only ? FV__RATE_STEP : FV__RATE_SAMPLE;
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
    if (op->multiply_adds(&b->node) < 0) {
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

enum { SEED = 42, EPOCH = 3 };

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
    b->test->reference(&call);
}

uint32_t bench_wants(const bench *b) {
    uint32_t wants = 0;
    for (int i = 0; i < b->node.input_count; i++) {
        wants |= b->test->inputs[i].constant ? 0 : 1u << i;
    }
    return wants;
}

// --- Guarded arrays
// ---------------------------------------------------------------------------------------------------

void scramble(const guarded *array) {
    if (array->data) {
        memset(array->data, SCRAMBLED, array->bytes);
    }
}

static guarded guarded_open(size_t bytes, int shift) {
    guarded array = {.block = obtain(bytes + 2 * GUARD + (size_t)shift), .bytes = bytes};
    array.data = array.block + GUARD + shift;
    memset(array.block, CANARY, bytes + 2 * GUARD + (size_t)shift);
    scramble(&array);
    ASAN_POISON_MEMORY_REGION(array.block, (size_t)(array.data - array.block));
    ASAN_POISON_MEMORY_REGION(array.data + bytes, GUARD);
    return array;
}

static guarded guarded_copy(const double *values, size_t count, int shift) {
    guarded array = guarded_open(count * sizeof(float), shift);
    float *to = (float *)(void *)array.data;
    for (size_t i = 0; i < count; i++) {
        to[i] = (float)values[i];
    }
    return array;
}

static void guarded_check(const bench *b, const guarded *array, const char *what) {
    if (!array->data) {
        return;
    }
    const size_t before = (size_t)(array->data - array->block);
    ASAN_UNPOISON_MEMORY_REGION(array->block, before + array->bytes + GUARD);
    for (size_t i = 0; i < before + array->bytes + GUARD; i++) {
        const bool inside = i >= before && i < before + array->bytes;
        if (!inside && array->block[i] != CANARY) {
            broken(b, "%s was written %s its bounds", what, i < before ? "before" : "behind");
        }
    }
    ASAN_POISON_MEMORY_REGION(array->block, before);
    ASAN_POISON_MEMORY_REGION(array->data + array->bytes, GUARD);
}

static void guarded_close(guarded *array) {
    if (array->block) {
        ASAN_UNPOISON_MEMORY_REGION(array->block, (size_t)(array->data - array->block) + array->bytes + GUARD);
        free(array->block);
    }
}

// --- Runs
// -------------------------------------------------------------------------------------------------------------

run run_open(const bench *b, int shift, bool backward, bool with_auxiliary) {
    run r = {.bench = b, .backward = backward};
    const size_t samples = (size_t)b->samples;
    size_t largest = b->out_count * samples;
    for (int i = 0; i < b->node.input_count; i++) {
        const size_t count = b->in_count[i] * (b->node.input_is_weight[i] ? 1 : samples);
        r.in[i] = guarded_copy(b->in[i], count, shift);
        r.d_in[i] = guarded_open(count * sizeof(float), shift);
        largest = largest > count ? largest : count;
    }
    r.out = guarded_open(samples * b->out_count * sizeof(float), shift);
    r.d_out = guarded_copy(b->d_out, samples * b->out_count, shift);
    r.unread = guarded_open(largest * sizeof(float), 0);
    if (b->op->needs) {
        b->op->needs(&b->node, b->kernels, b->samples, backward, &r.needs);
    }
    if (r.needs.prepared) {
        r.prepared = guarded_open(r.needs.prepared, 0);
    }
    if (r.needs.saved) {
        r.saved = guarded_open(r.needs.saved * samples, 0);
    }
    if (r.needs.scratch) {
        r.scratch = guarded_open(r.needs.scratch, 0);
    }
    if (with_auxiliary && b->auxiliary_count) {
        r.auxiliary = guarded_open(samples * b->auxiliary_count * sizeof(float), shift);
    }
    run_clear_gradients(&r);
    if (b->op->prepare) {
        const fv__call call = run_call(&r, 0, b->samples, 0);
        b->op->prepare(&call, backward);
        run_check_guards(&r);
    }
    return r;
}

void run_clear_gradients(const run *r) {
    for (int i = 0; i < r->bench->node.input_count; i++) {
        scramble(&r->d_in[i]);
        for (size_t j = 0; r->bench->node.input_is_weight[i] && j < r->bench->in_count[i]; j++) {
            ((float *)(void *)r->d_in[i].data)[j] = GRADIENT_BEFORE;
        }
    }
}

static void each_array(const run *r, void (*visit)(const bench *, const guarded *, const char *)) {
    for (int i = 0; i < r->bench->node.input_count; i++) {
        visit(r->bench, &r->in[i], "an input");
        visit(r->bench, &r->d_in[i], "the gradient of an input");
    }
    visit(r->bench, &r->out, "the output");
    visit(r->bench, &r->d_out, "the gradient of the output");
    visit(r->bench, &r->prepared, "prepared");
    visit(r->bench, &r->saved, "saved");
    visit(r->bench, &r->scratch, "scratch");
    visit(r->bench, &r->auxiliary, "auxiliary");
    visit(r->bench, &r->unread, "an array that is not to be read");
}

void run_check_guards(const run *r) {
    each_array(r, guarded_check);
}

void run_close(run *r) {
    run_check_guards(r);
    guarded *all[] = {&r->out, &r->d_out, &r->prepared, &r->saved, &r->scratch, &r->auxiliary, &r->unread};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        guarded_close(all[i]);
    }
    for (int i = 0; i < FV__MAX_INPUTS; i++) {
        guarded_close(&r->in[i]);
        guarded_close(&r->d_in[i]);
    }
}

static float *floats(const guarded *array, size_t offset) {
    return array->data ? (float *)(void *)array->data + offset : NULL;
}

fv__call run_call(const run *r, int first, int samples, uint32_t wants) {
    const bench *b = r->bench;
    const size_t at = (size_t)first;
    fv__call call = {.node = &b->node,
                     .kernels = b->kernels,
                     .samples = samples,
                     .batch = b->samples,
                     .training = b->test->training,
                     .out = floats(&r->out, at * b->out_count),
                     .d_out = floats(&r->d_out, at * b->out_count),
                     .prepared = r->prepared.data,
                     .saved = r->saved.data ? r->saved.data + at * r->needs.saved : NULL,
                     .scratch = r->scratch.data,
                     .auxiliary = floats(&r->auxiliary, at * b->auxiliary_count),
                     .seed = SEED,
                     .epoch = EPOCH,
                     .sample_ids = b->sample_ids + first,
                     .targets = b->targets + first};
    for (int i = 0; i < b->node.input_count; i++) {
        const size_t offset = b->node.input_is_weight[i] ? 0 : at * b->in_count[i];
        call.in[i] = floats(&r->in[i], offset);
        call.d_in[i] = wants >> i & 1 ? floats(&r->d_in[i], offset) : NULL;
    }
    scramble(&r->scratch);
    return call;
}

void run_forward(const run *r, int first, int samples) {
    const fv__call call = run_call(r, first, samples, 0);
    r->bench->op->forward(&call);
    run_check_guards(r);
}

void run_backward(const run *r, int first, int samples, uint32_t wants) {
    const bench *b = r->bench;
    fv__call call = run_call(r, first, samples, wants);
    call.auxiliary = NULL;
    const uint32_t reads = b->op->backward_reads(&b->node);
    if (!(reads & FV__READS_OUTPUT)) {
        call.out = floats(&r->unread, 0);
    }
    for (int i = 0; i < b->node.input_count; i++) {
        if (!b->node.input_is_weight[i] && !(reads & FV__READS_INPUT(i))) {
            call.in[i] = floats(&r->unread, 0);
        }
    }
    b->op->backward(&call);
    run_check_guards(r);
}

// --- For references
// ---------------------------------------------------------------------------------------------------

double reference_activation(fv__activation kind, double x) {
    switch (kind) {
    case FV__ACTIVATION_relu:
        return x > 0 ? x : 0;
    case FV__ACTIVATION_gelu:
        return x * 0.5 * (1 + erf(x / sqrt(2.0)));
    case FV__ACTIVATION_gelu_tanh:
        return x * 0.5 * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case FV__ACTIVATION_tanh:
        return tanh(x);
    case FV__ACTIVATION_sigmoid:
        return 1 / (1 + exp(-x));
    case FV__ACTIVATION_linear:
    default:
        return x;
    }
}

bool reference_keeps(const reference_call *call, float rate, uint32_t position) {
    const fv__philox key =
        fv__philox_block(call->seed, FV__DRAW_DROPOUT, call->epoch << 32 | call->node->id, call->sample_id);
    return (double)fv__draw(position, key.word[0], key.word[1]) >= floor((double)rate * 0x1p32);
}

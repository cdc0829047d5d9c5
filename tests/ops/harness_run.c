// SPDX-License-Identifier: Apache-2.0
// The arrays of a run, between canaries, and the calls on them.
#include "harness_bench.h"

#include <stdlib.h>
#include <string.h>

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

// --- Guarded arrays

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
    const uint32_t reads = b->op->backward_reads ? b->op->backward_reads(&b->node) : 0;
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

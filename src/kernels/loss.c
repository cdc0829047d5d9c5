// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy with label smoothing against one class or a mix of two:
//   target t = (1 − smoothing) · ((1 − mix) · [label] + mix · [other]) + smoothing / classes
//   loss = log Σ exp(z − max) − Σ t · (z − max),   dz = softmax(z) − t.
#include "kernels/kernels.h"
#include "kernels/vector.h"

static float logits_largest(const float *logits, int classes) {
    float largest = logits[0];
    for (int i = 1; i < classes; i++) {
        largest = logits[i] > largest || logits[i] != logits[i] ? logits[i] : largest;
    }
    return largest;
}

static float cross_entropy(const float *logits, // (classes)
                           int classes, int label, int other, float mix, float smoothing) {
    const float largest = logits_largest(logits, classes);
    double exponentials = 0, sum = 0;
    for (int i = 0; i < classes; i++) {
        const float shifted = logits[i] - largest;
        exponentials += (double)__builtin_expf(shifted);
        sum += (double)shifted;
    }
    double expected = (double)(logits[label] - largest);
    if (mix != 0) {
        expected += (double)mix * ((double)(logits[other] - largest) - expected);
    }
    const double even = (double)smoothing * sum / classes;
    return (float)(__builtin_log(exponentials) - ((1 - (double)smoothing) * expected + even));
}

// d_logits = scale · (softmax(logits) − target).
static void cross_entropy_backward(const float *logits, // (classes)
                                   float *d_logits,     // (classes)
                                   int classes, int label, int other, float mix, float smoothing, float scale) {
    softmax_rows(logits, d_logits, 1, classes, 1);
    for (int i = 0; i < classes; i++) {
        d_logits[i] = (d_logits[i] - smoothing / (float)classes) * scale;
    }
    d_logits[label] -= scale * (1 - smoothing) * (1 - mix);
    if (mix != 0) {
        d_logits[other] -= scale * (1 - smoothing) * mix;
    }
}

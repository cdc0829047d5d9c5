// SPDX-License-Identifier: Apache-2.0
// What happens at the end of a step to a range of parameters: gradients of the slots are added up, then the optimizer.
#include "kernels/kernels.h"
#include "kernels/vector.h"

// total[i] += slot[i] of each slot, in order; the slots are left zero. Done in pieces that stay in L1, so that memory
// is read in long runs.
static void sum_slots(float *restrict total, // (n)
                      float *restrict slots, // (slot_count, n), a slot every slot_stride floats
                      size_t slot_stride, int slot_count, size_t n) {
    enum { PIECE = 1024 };
    for (size_t begin = 0; begin < n; begin += PIECE) {
        const size_t count = n - begin < PIECE ? n - begin : PIECE;
        float *restrict sum = total + begin;
        for (int s = 0; s < slot_count; s++) {
            float *restrict slot = slots + (size_t)s * slot_stride + begin;
            for (size_t i = 0; i < count; i++) {
                sum[i] += slot[i];
                slot[i] = 0;
            }
        }
    }
}

// As Keras: velocity = momentum · velocity − rate · gradient; weight += velocity, or with Nesterov momentum
// weight += momentum · velocity − rate · gradient. Without momentum `velocity` may be NULL.
static void sgd(const fv__sgd_step *step,
                const float *restrict gradient, // (n)
                float *restrict weight,         // (n)
                float *restrict velocity,       // (n) or NULL
                size_t n) {
    const float scaled_rate = step->rate * step->gradient_scale, momentum = step->momentum;
    if (!velocity) {
        for (size_t i = 0; i < n; i++) {
            weight[i] -= scaled_rate * gradient[i];
        }
    } else if (step->nesterov) {
        for (size_t i = 0; i < n; i++) {
            const float change = scaled_rate * gradient[i];
            velocity[i] = momentum * velocity[i] - change;
            weight[i] += momentum * velocity[i] - change;
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            velocity[i] = momentum * velocity[i] - scaled_rate * gradient[i];
            weight[i] += velocity[i];
        }
    }
}

// Kingma and Ba 2015, "Adam", with ε added to the uncorrected √v (the bias corrections are in `rate`); Loshchilov and
// Hutter 2019 for the decoupled decay, which comes first.
static void adam(const fv__adam_step *step,
                 const float *restrict gradient, // (n)
                 float *restrict weight,         // (n)
                 float *restrict mean,           // (n) running mean of the gradient, m
                 float *restrict square,         // (n) running mean of its square, v
                 size_t n) {
    const float rate = step->rate, epsilon = step->epsilon, decay = step->decay, scale = step->gradient_scale;
    const float mean_share = (float)(1 - step->beta1), square_share = (float)(1 - step->beta2);
    for (size_t i = 0; i < n; i++) {
        const float g = gradient[i] * scale;
        const float m = mean[i] + (g - mean[i]) * mean_share;
        const float v = square[i] + (g * g - square[i]) * square_share;
        mean[i] = m;
        square[i] = v;
        const float decayed = weight[i] - decay * weight[i];
        weight[i] = decayed - rate * m / (__builtin_sqrtf(v) + epsilon);
    }
}

// SPDX-License-Identifier: Apache-2.0
// Pointwise functions and their derivatives.
#include "kernels/activation.h"
#include "kernels/kernels.h"
#include "kernels/vector.h"

FV__VECTOR fv__v identity_of(fv__v x) {
    return x;
}

FV__VECTOR fv__v relu6_of(fv__v x) {
    return fv__v_min(fv__v_all(6), fv__v_relu(x));
}

FV__VECTOR void pointwise(fv__v (*f)(fv__v), const float *x, float *y, size_t n) {
    size_t i = 0;
    for (; i + FV__LANES <= n; i += FV__LANES) {
        fv__v_store(y + i, f(fv__v_load(x + i)));
    }
    if (i < n) {
        fv__v_store_some(y + i, f(fv__v_load_some(x + i, (int)(n - i), 0)), (int)(n - i));
    }
}

// y may be x.
static void activate(fv__activation kind, const float *x, float *y, size_t n) {
    switch (kind) {
    case FV__ACTIVATION_relu:
        pointwise(fv__v_relu, x, y, n);
        break;
    case FV__ACTIVATION_gelu:
        pointwise(fv__v_gelu, x, y, n);
        break;
    case FV__ACTIVATION_gelu_tanh:
        pointwise(fv__v_gelu_tanh, x, y, n);
        break;
    case FV__ACTIVATION_tanh:
        pointwise(fv__v_tanh, x, y, n);
        break;
    case FV__ACTIVATION_sigmoid:
        pointwise(fv__v_sigmoid, x, y, n);
        break;
    case FV__ACTIVATION_relu6:
        pointwise(relu6_of, x, y, n);
        break;
    case FV__ACTIVATION_linear:
    default:
        if (y != x) {
            pointwise(identity_of, x, y, n);
        }
    }
}

// The gradients below, written so that there is one way only to fuse multiplications and additions: the same bits in
// whole vectors and at the end of an array.
FV__VECTOR fv__v identity_gradient(fv__v dy, fv__v y) {
    (void)y;
    return dy;
}

FV__VECTOR fv__v relu_gradient(fv__v dy, fv__v y) {
    return (fv__v)((fv__vi)dy & (y > 0));
}

FV__VECTOR fv__v relu6_gradient(fv__v dy, fv__v y) {
    return (fv__v)((fv__vi)dy & (y > 0) & (y < 6));
}

FV__VECTOR fv__v tanh_gradient(fv__v dy, fv__v y) { // dy · (1 − y²)
    return dy - dy * y * y;
}

FV__VECTOR fv__v sigmoid_gradient(fv__v dy, fv__v y) { // dy · y · (1 − y)
    const fv__v scaled = dy * y;
    return scaled - scaled * y;
}

// Φ(x) + x · φ(x). Beyond 15 it is 0 or 1 all the same.
FV__VECTOR fv__v gelu_gradient(fv__v dy, fv__v x) {
    x = fv__v_max(fv__v_all(-15), fv__v_min(fv__v_all(15), x));
    return dy * (fv__v_normal_cdf(x) + x * 0.39894228f * fv__v_exp(x * x * -0.5f));
}

// With s = sigmoid(2u), u = √(2/π) · (x + 0.044715 x³): s + x · s · (1 − s) · 2u'. Beyond 20 it is 0 or 1 all the same.
FV__VECTOR fv__v gelu_tanh_gradient(fv__v dy, fv__v x) {
    x = fv__v_max(fv__v_all(-20), fv__v_min(fv__v_all(20), x));
    const fv__v square = x * x;
    const fv__v s = fv__v_sigmoid(x * (square * 0.0713548163f + 1.59576912f));
    return dy * (s + x * (s - s * s) * (square * 0.2140644489f + 1.59576912f));
}

FV__VECTOR void pointwise_backward(fv__v (*gradient)(fv__v, fv__v), const float *dy, const float *reference, float *dx,
                                   size_t n) {
    size_t i = 0;
    for (; i + FV__LANES <= n; i += FV__LANES) {
        fv__v_store(dx + i, gradient(fv__v_load(dy + i), fv__v_load(reference + i)));
    }
    if (i < n) {
        const int rest = (int)(n - i);
        const fv__v d = fv__v_load_some(dy + i, rest, 0);
        fv__v_store_some(dx + i, gradient(d, fv__v_load_some(reference + i, rest, 0)), rest);
    }
}

// dx = dy · f'(x), from `reference`: the output where that is enough (ReLU, ReLU6, tanh, sigmoid), the input for the
// GELUs. dx may be dy; for `linear` the reference is not read.
static void activate_backward(fv__activation kind, const float *dy, const float *reference, float *dx, size_t n) {
    switch (kind) {
    case FV__ACTIVATION_relu:
        pointwise_backward(relu_gradient, dy, reference, dx, n);
        break;
    case FV__ACTIVATION_gelu:
        pointwise_backward(gelu_gradient, dy, reference, dx, n);
        break;
    case FV__ACTIVATION_gelu_tanh:
        pointwise_backward(gelu_tanh_gradient, dy, reference, dx, n);
        break;
    case FV__ACTIVATION_tanh:
        pointwise_backward(tanh_gradient, dy, reference, dx, n);
        break;
    case FV__ACTIVATION_sigmoid:
        pointwise_backward(sigmoid_gradient, dy, reference, dx, n);
        break;
    case FV__ACTIVATION_relu6:
        pointwise_backward(relu6_gradient, dy, reference, dx, n);
        break;
    case FV__ACTIVATION_linear:
    default:
        if (dx != dy) {
            pointwise_backward(identity_gradient, dy, dy, dx, n);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// The pointwise functions a layer can end with.
#ifndef FOVEA_KERNELS_ACTIVATION_H
#define FOVEA_KERNELS_ACTIVATION_H

// name in recipes, formula
#define FV__ACTIVATION_LIST(X)                                                                                         \
    X(linear, "x")                                                                                                     \
    X(relu, "max(x, 0)")                                                                                               \
    X(gelu, "x · Φ(x), Φ the normal distribution function")                                                            \
    X(gelu_tanh, "x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))")                                                       \
    X(tanh, "tanh(x)")                                                                                                 \
    X(sigmoid, "1 / (1 + e^-x)")                                                                                       \
    X(relu6, "min(max(x, 0), 6)")

typedef enum fv__activation {
#define X(name, formula) FV__ACTIVATION_##name,
    FV__ACTIVATION_LIST(X)
#undef X
        FV__ACTIVATION_COUNT
} fv__activation;

#endif

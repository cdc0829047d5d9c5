// SPDX-License-Identifier: Apache-2.0
// All kernels of one instruction-set level as one translation unit. Compiled once for each level: -DFV__LEVEL=v4
// -march=x86-64-v4, -DFV__LEVEL=v3 -march=x86-64-v3, and without either for the machine-independent baseline; always
// with -O3 -fno-trapping-math -fno-math-errno -ffp-contract=fast, and -mprefer-vector-width=512 for v4.
#include "kernels/kernels.h"
#include "kernels/vector.h"

// Each may use those above it, so they must not be sorted.
// clang-format off
#include "kernels/transpose.c"
#include "kernels/gemm.c"
#include "kernels/arithmetic.c"
#include "kernels/dropout.c"
#include "kernels/activation.c"
#include "kernels/attention.c"
#include "kernels/softmax.c"
#include "kernels/double_norm.c"
#include "kernels/norm.c"
#include "kernels/pooling.c"
#include "kernels/depthwise.c"
#include "kernels/columns.c"
#include "kernels/loss.c"
#include "kernels/optimizer.c"
#include "kernels/resample.c"
#include "kernels/resize.c"
// clang-format on

#ifndef FV__LEVEL
#define FV__LEVEL base
#endif
#define TABLE_NAME_OF(level) fv__kernels_##level
#define TABLE_NAME(level) TABLE_NAME_OF(level)

extern const fv__kernels TABLE_NAME(FV__LEVEL);

const fv__kernels TABLE_NAME(FV__LEVEL) = {
#if defined __AVX512F__
    .level = "x86-64-v4",
#elif defined __AVX2__
    .level = "x86-64-v3",
#else
    .level = "baseline",
#endif
    .lanes = FV__LANES,
    .panel_columns = PANEL,
#define X(type, name, arguments) .name = name,
    FV__KERNEL_LIST(X)
#undef X
};

// SPDX-License-Identifier: Apache-2.0
// Vectors of the level being compiled, written with GNU vector extensions only: FV__LANES floats in one register.
// Included by level.c before the kernels. Comparisons give masks: 0 or -1 in each lane.
#ifndef FOVEA_KERNELS_VECTOR_H
#define FOVEA_KERNELS_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined __AVX512F__
#define FV__LANES 16
#elif defined __AVX2__
#define FV__LANES 8
#else
#define FV__LANES 4
#endif

typedef float fv__v __attribute__((vector_size(4 * FV__LANES)));
typedef int32_t fv__vi __attribute__((vector_size(4 * FV__LANES))); // also the type of masks

#define FV__VECTOR static inline __attribute__((always_inline, unused))

// Memory needs no alignment.
FV__VECTOR fv__v fv__v_load(const float *from) {
    fv__v x;
    memcpy(&x, from, sizeof x);
    return x;
}

FV__VECTOR void fv__v_store(float *to, fv__v x) {
    memcpy(to, &x, sizeof x);
}

// Functions, not inlined: only there does GCC make a masked load and store of these loops.
#define FV__VECTOR_CALL static __attribute__((noinline, unused))

// The first `count` < FV__LANES floats, the rest filled up with `fill`; nothing is read beyond.
FV__VECTOR_CALL fv__v fv__v_load_some(const float *from, int count, float fill) {
    float lanes[FV__LANES];
    for (int i = 0; i < FV__LANES; i++) {
        lanes[i] = i < count ? from[i] : fill;
    }
    return fv__v_load(lanes);
}

FV__VECTOR_CALL void fv__v_store_some(float *to, fv__v x, int count) {
    float lanes[FV__LANES];
    fv__v_store(lanes, x);
    for (int i = 0; i < FV__LANES; i++) {
        if (i < count) {
            to[i] = lanes[i];
        }
    }
}

// x in every lane.
FV__VECTOR fv__v fv__v_all(float x) {
    return x - (fv__v){0};
}

FV__VECTOR fv__v fv__v_select(fv__vi mask, fv__v yes, fv__v no) {
    return (fv__v)((mask & (fv__vi)yes) | (~mask & (fv__vi)no));
}

// If a lane of b is NaN, it is the result (in a it is lost): put what may be NaN second.
FV__VECTOR fv__v fv__v_max(fv__v a, fv__v b) {
    return fv__v_select(a > b, a, b);
}

FV__VECTOR fv__v fv__v_min(fv__v a, fv__v b) {
    return fv__v_select(a < b, a, b);
}

// max(x, 0); NaN stays NaN.
FV__VECTOR fv__v fv__v_relu(fv__v x) {
    return (fv__v)((fv__vi)x & ~(x < 0));
}

FV__VECTOR fv__v fv__v_abs(fv__v x) {
    return (fv__v)((fv__vi)x & INT32_MAX);
}

// The magnitude of x with the sign of y.
FV__VECTOR fv__v fv__v_copysign(fv__v x, fv__v y) {
    return (fv__v)(((fv__vi)x & INT32_MAX) | ((fv__vi)y & INT32_MIN));
}

// A shuffle's list of lanes: X(lane, half) for each lane.
#define FV__LANES_4(X, half, l) X((l), half), X((l) + 1, half), X((l) + 2, half), X((l) + 3, half)
#if FV__LANES == 16
#define FV__LANES_OF(X, half)                                                                                          \
    FV__LANES_4(X, half, 0), FV__LANES_4(X, half, 4), FV__LANES_4(X, half, 8), FV__LANES_4(X, half, 12)
#elif FV__LANES == 8
#define FV__LANES_OF(X, half) FV__LANES_4(X, half, 0), FV__LANES_4(X, half, 4)
#else
#define FV__LANES_OF(X, half) FV__LANES_4(X, half, 0)
#endif
#define FV__LANE_ACROSS(l, half) ((l) ^ (half))
#define FV__V_ACROSS(x, half) __builtin_shufflevector(x, x, FV__LANES_OF(FV__LANE_ACROSS, half))

// Reductions halve the vector again and again: lane i meets lane i + half, always in this order.
FV__VECTOR float fv__v_sum(fv__v x) {
#if FV__LANES >= 16
    x += FV__V_ACROSS(x, 8);
#endif
#if FV__LANES >= 8
    x += FV__V_ACROSS(x, 4);
#endif
    x += FV__V_ACROSS(x, 2);
    x += FV__V_ACROSS(x, 1);
    return x[0];
}

FV__VECTOR fv__v fv__v_larger(fv__v a, fv__v b) { // NaN if one is
    return fv__v_select((a > b) | (a != a), a, b);
}

FV__VECTOR float fv__v_largest(fv__v x) { // NaN in, NaN out
#if FV__LANES >= 16
    x = fv__v_larger(x, FV__V_ACROSS(x, 8));
#endif
#if FV__LANES >= 8
    x = fv__v_larger(x, FV__V_ACROSS(x, 4));
#endif
    x = fv__v_larger(x, FV__V_ACROSS(x, 2));
    x = fv__v_larger(x, FV__V_ACROSS(x, 1));
    return x[0];
}

// All bits set in the first `count` lanes.
FV__VECTOR fv__vi fv__v_first_lanes(int count) {
    fv__vi mask;
    for (int i = 0; i < FV__LANES; i++) {
        mask[i] = -(i < count);
    }
    return mask;
}

// Elementary functions. Errors are bounds checked by tests/test_gemm.c, in units in the last place of the result (ulp);
// results below 1.2e-38 (denormal) are less exact. NaN gives NaN. Coefficients: minimax fits of our own.

typedef uint32_t fv__v_bits __attribute__((vector_size(4 * FV__LANES)));

// x = n ln 2 + r with |r| <= ln 2 / 2: returns r. The low bits of *shifted are those of n.
#define FV__EXP_ROUND 0x1.8p23f // adding it rounds to a whole number, which is then in the low bits
FV__VECTOR fv__v fv__v_exp_reduce(fv__v x, fv__v *shifted) {
    const float ln2_high = 0x1.62e4p-1f, ln2_low = 1.42860682e-6f; // n * ln2_high is exact
    *shifted = x * 1.44269504f + FV__EXP_ROUND;
    const fv__v n = *shifted - FV__EXP_ROUND;
    return (x - n * ln2_high) - n * ln2_low;
}

// e^r for such an r.
FV__VECTOR fv__v fv__v_exp_near(fv__v r) {
    fv__v p = r * 0.00139506003f + 0.00836895371f;
    p = p * r + 0.0416662042f;
    p = p * r + 0.166665183f;
    p = p * r + 0.5f;
    return 1.0f + (r + r * r * p);
}

// e^(x + rest) for a small correction `rest`: 1.5 ulp. 0 below -104, infinity above 88.73. 2^n is two factors, as n may
// leave the exponents' range.
FV__VECTOR fv__v fv__v_exp_sum(fv__v x, fv__v rest) {
    x = fv__v_select(x < -104.0f, fv__v_all(-104.0f), x);
    x = fv__v_select(x > 89.0f, fv__v_all(89.0f), x);
    fv__v shifted;
    const fv__v power = fv__v_exp_near(fv__v_exp_reduce(x, &shifted) + rest);
    fv__vi whole = (fv__vi)shifted - (fv__vi)fv__v_all(FV__EXP_ROUND), half = whole >> 1;
    fv__v factor = (fv__v)((fv__v_bits)(half + 127) << 23), other = (fv__v)((fv__v_bits)(whole - half + 127) << 23);
    return power * factor * other;
}

// e^x: 1.5 ulp.
FV__VECTOR fv__v fv__v_exp(fv__v x) {
    return fv__v_exp_sum(x, (fv__v){0});
}

// e^x for x <= 0: 1.5 ulp, but exactly 0 below -87, where a result would be denormal or close to it: masked scores are
// there, and so are the columns beyond the end of a row.
FV__VECTOR fv__v fv__v_exp_of_negative(fv__v x) {
    fv__v shifted;
    const fv__v power = fv__v_exp_near(fv__v_exp_reduce(x, &shifted));
    const fv__v scaled = (fv__v)((fv__v_bits)power + ((fv__v_bits)shifted << 23));
    return fv__v_select(x >= -87.0f, scaled, fv__v_max((fv__v){0}, x)); // NaN stays NaN
}

// 1 / (1 + e^-x): 2.5 ulp; 0 below -88.73.
FV__VECTOR fv__v fv__v_sigmoid(fv__v x) {
    return 1.0f / (1.0f + fv__v_exp(-x));
}

// tanh x: 2 ulp. Near 0 a polynomial, else 1 - 2 / (e^2|x| + 1).
FV__VECTOR fv__v fv__v_tanh(fv__v x) {
    fv__v square = x * x;
    fv__v p = square * -0.00571703656f + 0.020650579f;
    p = p * square - 0.0537434953f;
    p = p * square + 0.133314912f;
    p = p * square - 0.333332839f;
    fv__v near = x + x * (square * p);
    fv__v far = 1.0f - 2.0f / (fv__v_exp(2.0f * fv__v_abs(x)) + 1.0f);
    return fv__v_select(fv__v_abs(x) < 0.625f, near, fv__v_copysign(far, x));
}

// The normal distribution function P(x) = (1 + erf(x / sqrt 2)) / 2: 7 ulp, in the far tail too.
// For t = |x|, P(-t) = e^(-t t / 2) w(t), and w(t) / q is close to a polynomial in q = 1 / (1 + 0.3 t). The square is
// split, as its rounding error would be magnified by the exponential.
FV__VECTOR fv__v fv__v_normal_cdf(fv__v x) {
    fv__v t = fv__v_abs(x);
    t = fv__v_select(t > 15.0f, fv__v_all(15.0f), t);
    fv__v high = (fv__v)((fv__vi)t & ~0xfff); // its square is exact
    fv__v q = 1.0f / (1.0f + 0.3f * t);
    fv__v p = q * -0.0206129486f + 0.112376429f;
    p = p * q - 0.228069051f;
    p = p * q + 0.191583754f;
    p = p * q - 0.0792490579f;
    p = p * q + 0.0960587536f;
    p = p * q + 0.0784252599f;
    p = p * q + 0.110227392f;
    p = p * q + 0.119572833f;
    p = p * q + 0.119686635f;
    fv__v tail = p * q * fv__v_exp_sum(high * high * -0.5f, (t - high) * (t + high) * -0.5f);
    return fv__v_select(x > 0.0f, 1.0f - tail, tail);
}

// GELU, x P(x): 8 ulp. -0 towards minus infinity.
FV__VECTOR fv__v fv__v_gelu(fv__v x) {
    return fv__v_select(x < -15.0f, fv__v_all(-15.0f), x) * fv__v_normal_cdf(x);
}

// GELU's tanh approximation, x (1 + tanh u) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3):
// 4 ulp for x > -1; below, where it goes to 0, the error is under 2e-7 in absolute terms. -0 towards minus infinity.
FV__VECTOR fv__v fv__v_gelu_tanh(fv__v x) {
    x = fv__v_select(x < -20.0f, fv__v_all(-20.0f), x);
    return x * fv__v_sigmoid(x * (1.59576912f + 0.0713548163f * (x * x)));
}

#endif

// External attention's double normalization (Guo et al. 2021, "Beyond self-attention", section 3.2): softmax over the
// tokens for each feature, then each token's features divided by their sum over the memory slots of a head:
//   p[t][j] = exp(x[t][j] − max) / Σ (tokens) …      y[t][j] = p[t][j] / d[t],  d[t] = ε + Σ (slots k) p[t][k]
// Backward needs y and the divisors d alone, as p = y · d. With m[t] = Σ (slots k) dy[t][k] · y[t][k]:
//   u = y · (dy − m)      dx = u − y · d · Σ (tokens) u
#include "kernels/kernels.h"
#include "kernels/vector.h"

#define DOUBLE_NORM_EPSILON 1e-9f

// Columns are taken in strips whose largest values and sums stay in registers while the tokens stream by.
enum { DOUBLE_NORM_STRIP = 8 }; // vectors

// A run of slots of any length as whole vectors; what is beyond its end counts as 0.
FV__VECTOR fv__v slots_load(const float *from, int i, int slots) {
    return i + FV__LANES <= slots ? fv__v_load(from + i) : fv__v_load_some(from + i, slots - i, 0);
}

FV__VECTOR void slots_store(float *to, int i, int slots, fv__v x) {
    if (i + FV__LANES <= slots) {
        fv__v_store(to + i, x);
    } else {
        fv__v_store_some(to + i, x, slots - i);
    }
}

// The sum of all lanes in every lane.
FV__VECTOR fv__v sum_in_all(fv__v x) {
#if FV__LANES >= 16
    x += FV__V_ACROSS(x, 8);
#endif
#if FV__LANES >= 8
    x += FV__V_ACROSS(x, 4);
#endif
    x += FV__V_ACROSS(x, 2);
    return x + FV__V_ACROSS(x, 1);
}

// y = exp(x − largest of the column) and share = 1 / Σ y of `vectors` whole vectors of columns, a constant.
FV__VECTOR void exponentials_strip(int vectors, const float *x, float *y, float *share, int tokens, int features) {
    fv__v largest[DOUBLE_NORM_STRIP], sum[DOUBLE_NORM_STRIP];
    for (int i = 0; i < vectors; i++) {
        largest[i] = fv__v_load(x + i * FV__LANES);
        sum[i] = (fv__v){0};
    }
    for (int token = 1; token < tokens; token++) {
        for (int i = 0; i < vectors; i++) {
            largest[i] = fv__v_max(largest[i], fv__v_load(x + (ptrdiff_t)token * features + i * FV__LANES));
        }
    }
    for (int token = 0; token < tokens; token++, x += features, y += features) {
        for (int i = 0; i < vectors; i++) {
            const fv__v e = exp_of_negative(fv__v_load(x + i * FV__LANES) - largest[i]);
            sum[i] += e;
            fv__v_store(y + i * FV__LANES, e);
        }
    }
    for (int i = 0; i < vectors; i++) {
        fv__v_store(share + i * FV__LANES, 1 / sum[i]);
    }
}

// The same for the last columns, fewer than a vector.
FV__VECTOR void exponentials_rest(const float *x, float *y, float *share, int tokens, int features, int columns) {
    fv__v largest = fv__v_load_some(x, columns, 0), sum = {0};
    for (int token = 1; token < tokens; token++) {
        largest = fv__v_max(largest, fv__v_load_some(x + (ptrdiff_t)token * features, columns, 0));
    }
    for (int token = 0; token < tokens; token++, x += features, y += features) {
        const fv__v e = exp_of_negative(fv__v_load_some(x, columns, 0) - largest);
        sum += e;
        fv__v_store_some(y, e, columns);
    }
    fv__v_store_some(share, 1 / sum, columns);
}

// Σ a · b over the slots of one head, in every lane; `terms`, if any, receives each a · b; it may be a or b.
FV__VECTOR fv__v sum_of_slots(const float *a, const float *b, float *terms, int slots) {
    fv__v sum = {0};
    for (int i = 0; i < slots; i += FV__LANES) {
        const fv__v x = slots_load(a, i, slots) * slots_load(b, i, slots);
        sum += x;
        if (terms) {
            slots_store(terms, i, slots, x);
        }
    }
    return sum_in_all(sum);
}

// From exponentials to y, one token after the other; `slots` is a constant where it is a width that matters.
FV__VECTOR void divide_by_slots(float *y, const float *share, float *divisors, float *inverse, bool keeps, int tokens,
                                int heads, int slots) {
    for (int token = 0; token < tokens; token++, y += (ptrdiff_t)heads * slots, divisors += keeps ? heads : 0) {
        for (int head = 0; head < heads; head++) {
            const ptrdiff_t at = (ptrdiff_t)head * slots;
            divisors[head] = sum_of_slots(y + at, share + at, y + at, slots)[0] + DOUBLE_NORM_EPSILON;
        }
        for (int head = 0; head < heads; head++) { // apart: one division for a vector of heads
            inverse[head] = 1 / divisors[head];
        }
        for (int head = 0; head < heads; head++) {
            float *to = y + (ptrdiff_t)head * slots;
            for (int i = 0; i < slots; i += FV__LANES) {
                slots_store(to, i, slots, slots_load(to, i, slots) * inverse[head]);
            }
        }
    }
}

// `divisors` may be NULL where no backward follows; y may be x.
static void double_norm(const float *x,  // (tokens, heads, slots)
                        float *y,        // (tokens, heads, slots)
                        float *divisors, // (tokens, heads) or NULL
                        float *scratch,  // (heads * slots + 2 * heads)
                        int tokens, int heads, int slots) {
    const int features = heads * slots;
    float *inverse = scratch + features;
    const bool keeps = divisors != NULL;
    int i = 0;
    for (; i + DOUBLE_NORM_STRIP * FV__LANES <= features; i += DOUBLE_NORM_STRIP * FV__LANES) {
        exponentials_strip(DOUBLE_NORM_STRIP, x + i, y + i, scratch + i, tokens, features);
    }
    for (; i + FV__LANES <= features; i += FV__LANES) {
        exponentials_strip(1, x + i, y + i, scratch + i, tokens, features);
    }
    if (i < features) {
        exponentials_rest(x + i, y + i, scratch + i, tokens, features, features - i);
    }
    divisors = keeps ? divisors : inverse + heads;
    if (slots == 16) {
        divide_by_slots(y, scratch, divisors, inverse, keeps, tokens, heads, 16);
    } else if (slots % FV__LANES == 0) {
        divide_by_slots(y, scratch, divisors, inverse, keeps, tokens, heads, slots / FV__LANES * FV__LANES);
    } else {
        divide_by_slots(y, scratch, divisors, inverse, keeps, tokens, heads, slots);
    }
}

// dx = u, and sums += u, where u = y · (dy − m) of one head of one token.
FV__VECTOR void centre_slots(const float *dy, const float *y, float *dx, float *sums, int slots) {
    const fv__v mean = sum_of_slots(dy, y, NULL, slots);
    for (int i = 0; i < slots; i += FV__LANES) {
        const fv__v u = slots_load(y, i, slots) * (slots_load(dy, i, slots) - mean);
        slots_store(sums, i, slots, slots_load(sums, i, slots) + u);
        slots_store(dx, i, slots, u);
    }
}

FV__VECTOR void double_norm_backward_of(const float *dy, const float *y, const float *divisors, float *dx, float *sums,
                                        int tokens, int heads, int slots) {
    const ptrdiff_t features = (ptrdiff_t)heads * slots;
    for (int token = 0; token < tokens; token++) {
        for (int head = 0; head < heads; head++) {
            const ptrdiff_t at = token * features + (ptrdiff_t)head * slots;
            centre_slots(dy + at, y + at, dx + at, sums + (ptrdiff_t)head * slots, slots);
        }
    }
    for (int token = 0; token < tokens; token++, y += features, dx += features, divisors += heads) {
        for (int head = 0; head < heads; head++) {
            const ptrdiff_t at = (ptrdiff_t)head * slots;
            for (int i = 0; i < slots; i += FV__LANES) {
                const fv__v p = slots_load(y + at, i, slots) * divisors[head];
                slots_store(dx + at, i, slots, slots_load(dx + at, i, slots) - p * slots_load(sums + at, i, slots));
            }
        }
    }
}

// dx may be dy.
static void double_norm_backward(const float *dy,       // (tokens, heads, slots)
                                 const float *y,        // (tokens, heads, slots)
                                 const float *divisors, // (tokens, heads)
                                 float *dx,             // (tokens, heads, slots)
                                 float *scratch,        // (heads * slots)
                                 int tokens, int heads, int slots) {
    memset(scratch, 0, sizeof *scratch * (size_t)heads * (size_t)slots);
    if (slots == 16) {
        double_norm_backward_of(dy, y, divisors, dx, scratch, tokens, heads, 16);
    } else if (slots % FV__LANES == 0) {
        double_norm_backward_of(dy, y, divisors, dx, scratch, tokens, heads, slots / FV__LANES * FV__LANES);
    } else {
        double_norm_backward_of(dy, y, divisors, dx, scratch, tokens, heads, slots);
    }
}

// SPDX-License-Identifier: Apache-2.0
// External attention's double normalization (Guo et al. 2021, "Beyond self-attention", section 3.2): softmax over the
// tokens for each feature, then each token's features divided by their sum over the memory slots of a head:
//   p[t][j] = exp(x[t][j] − max) / Σ (tokens) …      y[t][j] = p[t][j] / d[t],  d[t] = ε + Σ (slots k) p[t][k]
// Backward needs y and the divisors d alone, as p = y · d. With m[t] = Σ (slots k) dy[t][k] · y[t][k]:
//   dx = y · (dy − m − d · Σ (tokens) y · (dy − m))
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

// Lane l of a, or of b where l has the bit `half`; and the lane across.
#define LANE_OWN(l, half) ((l) & (half) ? (l) + FV__LANES : (l))
#define LANE_OTHER(l, half) ((l) & (half) ? ((l) ^ (half)) + FV__LANES : ((l) ^ (half)))
#define SUM_OF_HALVES(a, b, half)                                                                                      \
    (__builtin_shufflevector(a, b, FV__LANES_OF(LANE_OWN, half)) +                                                     \
     __builtin_shufflevector(a, b, FV__LANES_OF(LANE_OTHER, half)))

// Lane l of the result is the sum of vector l, in the order of fv__v_sum; x is used up.
FV__VECTOR fv__v sums_of_vectors(fv__v x[FV__LANES]) {
#if FV__LANES >= 16
    for (int i = 0; i < 8; i++) {
        x[i] = SUM_OF_HALVES(x[i], x[i + 8], 8);
    }
#endif
#if FV__LANES >= 8
    for (int i = 0; i < 4; i++) {
        x[i] = SUM_OF_HALVES(x[i], x[i + 4], 4);
    }
#endif
    for (int i = 0; i < 2; i++) {
        x[i] = SUM_OF_HALVES(x[i], x[i + 2], 2);
    }
    return SUM_OF_HALVES(x[0], x[1], 1);
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
            const fv__v e = fv__v_exp_of_negative(fv__v_load(x + i * FV__LANES) - largest[i]);
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
        const fv__v e = fv__v_exp_of_negative(fv__v_load_some(x, columns, 0) - largest);
        sum += e;
        fv__v_store_some(y, e, columns);
    }
    fv__v_store_some(share, 1 / sum, columns);
}

// The products a · b of one head of one token, added up to a vector.
FV__VECTOR fv__v products_of_slots(const float *a, const float *b, int slots) {
    fv__v sum = {0};
    for (int i = 0; i < slots; i += FV__LANES) {
        sum += slots_load(a, i, slots) * slots_load(b, i, slots);
    }
    return sum;
}

// A table of one token, (heads, slots), that is walked along with all tokens.
typedef struct token_table {
    float *first, *end, *at;
} token_table;

FV__VECTOR void table_next(token_table *table, int slots) {
    table->at += slots;
    table->at = table->at == table->end ? table->first : table->at;
}

// Sums over slots are taken of FV__LANES heads (of one token or several) at a time.
enum { DOUBLE_NORM_ROWS = FV__LANES };

// From exponentials to y = e · share / divisor in `rows` heads of tokens, at most DOUBLE_NORM_ROWS.
FV__VECTOR void divide_rows(float *y, token_table *share, float *divisors, int rows, int slots) {
    fv__v terms[DOUBLE_NORM_ROWS];
    float inverse[DOUBLE_NORM_ROWS];
    token_table walk = *share;
    for (int i = 0; i < DOUBLE_NORM_ROWS; i++) {
        terms[i] = (fv__v){0};
        if (i < rows) {
            terms[i] = products_of_slots(y + (ptrdiff_t)i * slots, walk.at, slots);
            table_next(&walk, slots);
        }
    }
    const fv__v divisor = sums_of_vectors(terms) + DOUBLE_NORM_EPSILON;
    fv__v_store(inverse, 1 / divisor);
    if (divisors && rows == DOUBLE_NORM_ROWS) {
        fv__v_store(divisors, divisor);
    } else if (divisors) {
        fv__v_store_some(divisors, divisor, rows);
    }
    for (int row = 0; row < rows; row++, y += slots) {
        for (int i = 0; i < slots; i += FV__LANES) {
            slots_store(y, i, slots, slots_load(y, i, slots) * slots_load(share->at, i, slots) * inverse[row]);
        }
        table_next(share, slots);
    }
}

// `slots` is a constant where it is a width that matters.
FV__VECTOR void divide_by_slots(float *y, token_table share, float *divisors, int rows, int slots) {
    int row = 0;
    for (; row + DOUBLE_NORM_ROWS <= rows; row += DOUBLE_NORM_ROWS) {
        divide_rows(y + (ptrdiff_t)row * slots, &share, divisors ? divisors + row : NULL, DOUBLE_NORM_ROWS, slots);
    }
    if (row < rows) {
        divide_rows(y + (ptrdiff_t)row * slots, &share, divisors ? divisors + row : NULL, rows - row, slots);
    }
}

// `divisors` may be NULL where no backward follows; y may be x.
static void double_norm(const float *x,  // (tokens, heads, slots)
                        float *y,        // (tokens, heads, slots)
                        float *divisors, // (tokens, heads) or NULL
                        float *scratch,  // (heads, slots)
                        int tokens, int heads, int slots) {
    const int features = heads * slots;
    int i = 0;
    for (; i + DOUBLE_NORM_STRIP * FV__LANES <= features; i += DOUBLE_NORM_STRIP * FV__LANES) {
        exponentials_strip(DOUBLE_NORM_STRIP, x + i, y + i, scratch + i, tokens, features);
    }
    for (; i + 2 * FV__LANES <= features; i += 2 * FV__LANES) {
        exponentials_strip(2, x + i, y + i, scratch + i, tokens, features);
    }
    for (; i + FV__LANES <= features; i += FV__LANES) {
        exponentials_strip(1, x + i, y + i, scratch + i, tokens, features);
    }
    if (i < features) {
        exponentials_rest(x + i, y + i, scratch + i, tokens, features, features - i);
    }
    const token_table share = {scratch, scratch + features, scratch};
    if (slots == 16) {
        divide_by_slots(y, share, divisors, tokens * heads, 16);
    } else if (slots % FV__LANES == 0) {
        divide_by_slots(y, share, divisors, tokens * heads, slots / FV__LANES * FV__LANES);
    } else {
        divide_by_slots(y, share, divisors, tokens * heads, slots);
    }
}

// means[row] = m, and sums (heads, slots) += y · (dy − m), in `rows` heads of tokens, at most DOUBLE_NORM_ROWS.
FV__VECTOR void sum_rows(const float *dy, const float *y, token_table *sums, float *means, int rows, int slots) {
    fv__v terms[DOUBLE_NORM_ROWS];
    for (int i = 0; i < DOUBLE_NORM_ROWS; i++) {
        const ptrdiff_t at = (ptrdiff_t)i * slots;
        terms[i] = i < rows ? products_of_slots(dy + at, y + at, slots) : (fv__v){0};
    }
    if (rows == DOUBLE_NORM_ROWS) {
        fv__v_store(means, sums_of_vectors(terms));
    } else {
        fv__v_store_some(means, sums_of_vectors(terms), rows);
    }
    for (int row = 0; row < rows; row++, dy += slots, y += slots) {
        for (int i = 0; i < slots; i += FV__LANES) {
            const fv__v u = slots_load(y, i, slots) * (slots_load(dy, i, slots) - means[row]);
            slots_store(sums->at, i, slots, slots_load(sums->at, i, slots) + u);
        }
        table_next(sums, slots);
    }
}

FV__VECTOR void double_norm_backward_of(const float *dy, const float *y, const float *divisors, float *dx,
                                        token_table sums, float *means, int rows, int slots) {
    int row = 0;
    for (; row + DOUBLE_NORM_ROWS <= rows; row += DOUBLE_NORM_ROWS) {
        const ptrdiff_t at = (ptrdiff_t)row * slots;
        sum_rows(dy + at, y + at, &sums, means + row, DOUBLE_NORM_ROWS, slots);
    }
    if (row < rows) {
        const ptrdiff_t at = (ptrdiff_t)row * slots;
        sum_rows(dy + at, y + at, &sums, means + row, rows - row, slots);
    }
    for (row = 0; row < rows; row++, dy += slots, y += slots, dx += slots) {
        for (int i = 0; i < slots; i += FV__LANES) {
            const fv__v bend = slots_load(sums.at, i, slots) * divisors[row] + means[row];
            slots_store(dx, i, slots, slots_load(y, i, slots) * (slots_load(dy, i, slots) - bend));
        }
        table_next(&sums, slots);
    }
}

// dx may be dy.
static void double_norm_backward(const float *dy,       // (tokens, heads, slots)
                                 const float *y,        // (tokens, heads, slots)
                                 const float *divisors, // (tokens, heads)
                                 float *dx,             // (tokens, heads, slots)
                                 float *scratch,        // (heads * slots + tokens * heads)
                                 int tokens, int heads, int slots) {
    const int features = heads * slots;
    const token_table sums = {scratch, scratch + features, scratch};
    float *means = scratch + features;
    memset(scratch, 0, sizeof *scratch * (size_t)features);
    if (slots == 16) {
        double_norm_backward_of(dy, y, divisors, dx, sums, means, tokens * heads, 16);
    } else if (slots % FV__LANES == 0) {
        double_norm_backward_of(dy, y, divisors, dx, sums, means, tokens * heads, slots / FV__LANES * FV__LANES);
    } else {
        double_norm_backward_of(dy, y, divisors, dx, sums, means, tokens * heads, slots);
    }
}

// SPDX-License-Identifier: Apache-2.0
// Matrix products (contract: fv__gemm in kernels.h). Part of level.c.
//
// A tile of c, some rows x up to FULL_VECTORS vectors, stays in registers over a stretch of the sum: each step loads
// one vector row of b and multiplies it by one broadcast number for each row of a. Tiles narrower than FULL_VECTORS
// take more rows, so that there are always enough independent sums to hide the latency of an FMA. Around it, as in Goto
// and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): stretches of the sum, so that a panel
// of b stays in the cache; blocks of rows; panels of b; tiles.
//
// Whatever the tile, an element is one chain of FMAs in the order of the sum, begun with 0 (or c), and writing it to c
// between two stretches is exact: so the bits do not depend on any blocking.
//
// Ragged columns: the last vector of a panel is moved left until it ends with the matrix. It overlaps the one before,
// both compute the same numbers, and nothing is read or written outside. Only a panel narrower than one vector needs
// padded copies.

// Under a sanitizer one tile function with loops does for all: 76 unrolled and instrumented ones take minutes to
// compile.
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define ROLLED
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define ROLLED
#endif
#endif
#if defined ROLLED
#define TILE static __attribute__((noinline))
#define UNROLL
#elif defined __clang__
#define TILE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define TILE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum {
// Registers: v4 and ARM have 32 (24 sums, 4 of b, 1 of a), v3 and baseline 16 (12 sums, 2 of b, 1 of a).
#if defined __AVX512F__ || defined __aarch64__
    FULL_VECTORS = 4,
#else
    FULL_VECTORS = 2,
#endif
    MOST_ROWS = 12,
    PANEL = FULL_VECTORS * FV__LANES,
    STRETCH = 256,            // terms of the sum at once: 64 KiB of b, nominal half of the smallest second-level cache
    ROW_BLOCK = 48,           // rows at once, a multiple of every tile height: 48 KiB of a, on the stack when copied
    COLUMN_BLOCK = 8 * PANEL, // columns at once: 512 KiB of b, so that it stays in the second-level cache
    LAST_BLOCK = 60,          // the last rows at once, if not copied: so few more are not worth another pass over b
};

// What the tiles of one panel share.
typedef struct product {
    int terms;           // of this stretch of the sum
    int start;           // where the first segment of this stretch begins
    int depth;           // terms of a segment
    ptrdiff_t a_segment; // from one segment to the next
    const float *b;      // the panel at the first term of this stretch
    ptrdiff_t b_row;
    ptrdiff_t last;   // first column of the last vector in c
    ptrdiff_t b_last; // and in b: the same, or the last vector of a packed row
    ptrdiff_t c_row;
    bool load;         // begin with c
    bool finish, relu; // this is the last stretch: bias, ReLU
    float ceiling;     // of the ReLU
    const float *bias; // of this panel, or NULL
} product;

// (rows, vectors) of every tile: each width up to the height that fills the registers, above 8 even ones only.
#define TILES_UP_TO_6(X, v) X(1, v) X(2, v) X(3, v) X(4, v) X(5, v) X(6, v)
#define TILES_UP_TO_8(X, v) TILES_UP_TO_6(X, v) X(7, v) X(8, v)
#define TILES_UP_TO_12(X, v) TILES_UP_TO_6(X, v) X(8, v) X(10, v) X(12, v)
#if defined __AVX512F__ || defined __aarch64__
#define TILES(X) TILES_UP_TO_12(X, 1) TILES_UP_TO_12(X, 2) TILES_UP_TO_8(X, 3) TILES_UP_TO_6(X, 4)
static const int tile_rows[FULL_VECTORS + 1] = {0, 12, 12, 8, 6};
#else
#define TILES(X) TILES_UP_TO_12(X, 1) TILES_UP_TO_6(X, 2)
static const int tile_rows[FULL_VECTORS + 1] = {0, 12, 6};
#endif

// One term of the sums of a tile.
TILE void step(int rows, int vectors, bool strip, fv__v sum[MOST_ROWS][FULL_VECTORS], const float *a,
               const float *const *start, ptrdiff_t k, const float *b, ptrdiff_t last) {
    fv__v line[FULL_VECTORS];
    UNROLL for (int j = 0; j < vectors; j++) {
        line[j] = fv__v_load(b + (j == vectors - 1 ? last : j * FV__LANES));
    }
    UNROLL for (int i = 0; i < rows; i++) {
        fv__v factor = fv__v_all(strip ? a[k * ROW_BLOCK + i] : start[i][k]);
        UNROLL for (int j = 0; j < vectors; j++) {
            sum[i][j] += factor * line[j];
        }
    }
}

// One tile; what every variant shares. `rows`, `vectors` and `strip` are constants where this is inlined.
// `strip`: a is a copied strip, (terms, ROW_BLOCK); else row[i] is where the terms of row i begin.
TILE void tile(int rows, int vectors, bool strip, const product *p, const float *a, const float *const *row, float *c) {
    fv__v sum[MOST_ROWS][FULL_VECTORS];
    ptrdiff_t column[FULL_VECTORS];
    UNROLL for (int j = 0; j < vectors; j++) {
        column[j] = j == vectors - 1 ? p->last : j * FV__LANES;
    }
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int j = 0; j < vectors; j++) {
            sum[i][j] = p->load ? fv__v_load(c + i * p->c_row + column[j]) : (fv__v){0};
        }
    }
    const float *b = p->b, *start[MOST_ROWS];
    UNROLL for (int i = 0; i < rows; i++) {
        start[i] = strip ? a : row[i];
    }
    ptrdiff_t first = p->start, segment = 0;
    for (int left = p->terms; left > 0;) {
        ptrdiff_t run = p->depth - first < left ? p->depth - first : left;
        left -= (int)run;
        ptrdiff_t end = segment + first + run;
        ptrdiff_t k = segment + first;
        // Four steps at a time, but only in the tallest tiles: elsewhere it is not worth the code.
        for (; rows == tile_rows[vectors] && k + 4 <= end; k += 4) {
            UNROLL for (int n = 0; n < 4; n++) {
                step(rows, vectors, strip, sum, a, start, k + n, b + n * p->b_row, p->b_last);
            }
            b += 4 * p->b_row;
        }
        for (; k < end; k++) {
            step(rows, vectors, strip, sum, a, start, k, b, p->b_last);
            b += p->b_row;
        }
        first = 0;
        segment += p->a_segment;
    }
    if (p->finish) {
        UNROLL for (int j = 0; j < vectors; j++) {
            fv__v bias = p->bias ? fv__v_load(p->bias + column[j]) : (fv__v){0};
            UNROLL for (int i = 0; i < rows; i++) {
                sum[i][j] = p->bias ? sum[i][j] + bias : sum[i][j];
                sum[i][j] = p->relu ? fv__v_min(fv__v_all(p->ceiling), fv__v_relu(sum[i][j])) : sum[i][j];
            }
        }
    }
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int j = 0; j < vectors; j++) {
            fv__v_store(c + i * p->c_row + column[j], sum[i][j]);
        }
    }
}

// `count` tiles, one below the other.
TILE void column_of_tiles(int rows, int vectors, bool strip, const product *shared, int count, const float *a,
                          const float *const *row, float *c) {
    const product p = *shared; // its own copy: no store to c can change it
    for (int t = 0; t < count; t++) {
        tile(rows, vectors, strip, &p, a, row, c);
        a += rows;
        row += rows;
        c += rows * p.c_row;
    }
}

#define TILE_ARGUMENTS const product *p, int count, const float *a, const float *const *row, float *c
typedef void tile_function(TILE_ARGUMENTS);

#define X(rows, vectors)                                                                                               \
    static void tile_##rows##x##vectors(TILE_ARGUMENTS) {                                                              \
        column_of_tiles(rows, vectors, false, p, count, a, row, c);                                                    \
    }                                                                                                                  \
    static void strip_tile_##rows##x##vectors(TILE_ARGUMENTS) {                                                        \
        column_of_tiles(rows, vectors, true, p, count, a, row, c);                                                     \
    }
TILES(X)
#undef X

static tile_function *const tiles[2][FULL_VECTORS + 1][MOST_ROWS + 1] = {
#define X(rows, vectors)                                                                                               \
    [0][vectors][rows] = tile_##rows##x##vectors, [1][vectors][rows] = strip_tile_##rows##x##vectors,
    TILES(X)
#undef X
};

// A tile of a panel narrower than a vector: c and bias by way of padded copies.
static void narrow_tile(tile_function *function, int rows, int columns, const product *p, const float *a,
                        const float *const *row, float *c) {
    float wide_c[MOST_ROWS * FV__LANES], wide_bias[FV__LANES] = {0};
    size_t bytes = (size_t)columns * sizeof(float);
    product wide = *p;
    wide.c_row = FV__LANES;
    if (p->load) {
        memset(wide_c, 0, sizeof wide_c);
        for (int i = 0; i < rows; i++) {
            memcpy(wide_c + i * FV__LANES, c + i * p->c_row, bytes);
        }
    }
    if (p->bias) {
        memcpy(wide_bias, p->bias, bytes);
        wide.bias = wide_bias;
    }
    function(&wide, 1, a, row, wide_c);
    for (int i = 0; i < rows; i++) {
        memcpy(c + i * p->c_row, wide_c + i * FV__LANES, bytes);
    }
}

// Copies `rows` rows of a over the terms [first, first + terms) to strip, (terms, ROW_BLOCK). row[i]: the first
// segment.
static void copy_strip(const fv__gemm *g, const float *const *row, int rows, int first, int terms, float *strip) {
    // Where the rows of a whole vector are neighbours in memory (a transpose, channels), they are copied as one.
    bool adjacent[ROW_BLOCK / FV__LANES];
    for (int v = 0; v < rows / FV__LANES; v++) {
        adjacent[v] = true;
        for (int i = 1; i < FV__LANES; i++) {
            adjacent[v] = adjacent[v] && row[v * FV__LANES + i] == row[v * FV__LANES] + i;
        }
    }
    ptrdiff_t offset = 0;
    int segment = 0, k = first % g->depth;
    for (int t = 0; t < terms; t++, strip += ROW_BLOCK) {
        offset = segment * g->a_segment + k * g->a_depth;
        int v = 0;
        for (; v < rows / FV__LANES; v++) {
            int i = v * FV__LANES;
            if (adjacent[v]) {
                fv__v_store(strip + i, fv__v_load(row[i] + offset));
            } else {
                for (int n = i; n < i + FV__LANES; n++) {
                    strip[n] = row[n][offset];
                }
            }
        }
        for (int i = v * FV__LANES; i < rows; i++) {
            strip[i] = row[i][offset];
        }
        if (++k == g->depth) {
            k = 0;
            segment++;
        }
    }
}

// One panel of c for the rows [first, first + count).
static void panel(const fv__gemm *g, product *p, bool strip, const float *a, const float *const *row, int first,
                  int count, int column, int columns) {
    int vectors = (columns + FV__LANES - 1) / FV__LANES;
    p->last = columns < FV__LANES ? 0 : columns - FV__LANES;
    p->b_last = g->b_row ? p->last : (vectors - 1) * FV__LANES;
    float *c = g->c + first * g->c_row + column;
    const int limit = tile_rows[vectors];
    while (count > 0) {
        // As few tiles as possible, of almost equal height: 49 rows are better four times 6 and five times 5 than eight
        // times 6 and 1. Heights without a tile: one more row, or two tiles.
        int left = (count + limit - 1) / limit;
        int rows = (count + left - 1) / left, same = count % left ? count % left : left;
        if (!tiles[strip][vectors][rows]) {
            rows = left > 1 ? rows + 1 : (rows + 1) / 2;
            same = 1;
        }
        same = columns < FV__LANES ? 1 : same;
        tile_function *function = tiles[strip][vectors][rows];
        if (columns < FV__LANES) {
            narrow_tile(function, rows, columns, p, a, row, c);
        } else {
            function(p, same, a, row, c);
        }
        a += strip ? same * rows : 0;
        row += same * rows;
        c += same * rows * p->c_row;
        count -= same * rows;
    }
}

// b of a panel narrower than one vector, padded with zeros to (terms, FV__LANES).
static void copy_narrow(const float *b, ptrdiff_t b_row, int terms, int columns, float *padded) {
    for (int k = 0; k < terms; k++) {
        for (int n = 0; n < FV__LANES; n++) {
            padded[k * FV__LANES + n] = n < columns ? b[k * b_row + n] : 0;
        }
    }
}

static ptrdiff_t packed_width(int columns) {
    return columns >= PANEL ? PANEL : (columns + FV__LANES - 1) / FV__LANES * FV__LANES;
}

static void gemm(const fv__gemm *g) {
    float copied[STRETCH * ROW_BLOCK] __attribute__((aligned(64)));
    float narrow[STRETCH * FV__LANES] __attribute__((aligned(64)));
    int total = g->depth * g->segments;
    bool strip = g->a_depth != 1;
    int stretches = (total + STRETCH - 1) / STRETCH, stretch = stretches ? (total + stretches - 1) / stretches : 0;
    int first = 0;
    do { // once also for an empty sum
        int terms = total - first < stretch ? total - first : stretch;
        bool final = first + terms == total;
        int narrow_columns = g->columns % PANEL;
        if (!g->b_row || narrow_columns >= FV__LANES) {
            narrow_columns = 0;
        }
        if (narrow_columns) {
            copy_narrow(g->b + first * g->b_row + g->columns - narrow_columns, g->b_row, terms, narrow_columns, narrow);
        }
        for (int begin = 0; begin < g->columns; begin += COLUMN_BLOCK) {
            const int end = g->columns - begin < COLUMN_BLOCK ? g->columns : begin + COLUMN_BLOCK;
            for (int m = 0, rows; m < g->rows; m += rows) {
                rows = g->rows - m <= (strip ? ROW_BLOCK : LAST_BLOCK) ? g->rows - m : ROW_BLOCK;
                const float *row[LAST_BLOCK];
                for (int i = 0; i < rows && terms; i++) {
                    row[i] =
                        g->a + (g->a_rows ? g->a_rows[m + i] : (m + i) * g->a_row) + first / g->depth * g->a_segment;
                }
                product p = {.terms = terms,
                             .depth = strip ? terms : g->depth,
                             .start = strip || !terms ? 0 : first % g->depth,
                             .a_segment = g->a_segment,
                             .c_row = g->c_row,
                             .load = g->accumulate || first > 0,
                             .finish = final && (g->bias || g->relu),
                             .relu = g->relu,
                             .ceiling = g->ceiling > 0 ? g->ceiling : __builtin_inff()};
                if (strip && terms) {
                    copy_strip(g, row, rows, first, terms, copied);
                }
                for (int n = begin; n < end; n += PANEL) {
                    int columns = g->columns - n < PANEL ? g->columns - n : PANEL;
                    if (g->b_row) {
                        bool padded = columns < FV__LANES;
                        p.b = padded ? narrow : g->b + first * g->b_row + n;
                        p.b_row = padded ? FV__LANES : g->b_row;
                    } else {
                        p.b_row = packed_width(columns);
                        p.b = g->b + (ptrdiff_t)n * total + first * p.b_row;
                    }
                    p.bias = g->bias ? g->bias + n : NULL;
                    panel(g, &p, strip, copied, row, m, rows, n, columns);
                }
            }
        }
        first += terms;
    } while (first < total);
}

static size_t packed_size(int depth, int columns) {
    return (size_t)depth * (size_t)(columns / PANEL * PANEL + packed_width(columns % PANEL));
}

static void pack(int depth, int columns, const float *b, ptrdiff_t row, ptrdiff_t column, float *packed) {
    for (int n = 0; n < columns; n += PANEL) {
        int used = columns - n < PANEL ? columns - n : PANEL;
        ptrdiff_t width = packed_width(used);
        // Where each number of the panel comes from: its last vector ends with the matrix, or is padded.
        ptrdiff_t from[PANEL];
        for (int j = 0; j < width; j++) {
            bool last = j >= width - FV__LANES && used >= FV__LANES;
            from[j] = last ? n + used - width + j : n + j;
        }
        ptrdiff_t valid = used < FV__LANES ? used : width;
        if (row == 1) { // a transpose: by squares of whole vectors
            for (ptrdiff_t j = 0; j < width; j += FV__LANES) {
                const int rows = used < FV__LANES ? used : FV__LANES;
                transpose(b + from[j] * column, column, packed + j, width, rows, depth, FV__LANES);
            }
            packed += depth * width;
            continue;
        }
        if (column == 1 && used >= FV__LANES) {
            for (int k = 0; k < depth; k++, packed += width) {
                for (ptrdiff_t j = 0; j < width; j += FV__LANES) {
                    fv__v_store(packed + j, fv__v_load(b + k * row + from[j]));
                }
            }
            continue;
        }
        for (int k = 0; k < depth; k++) {
            for (int j = 0; j < width; j++) {
                packed[j] = j < valid ? b[k * row + from[j] * column] : 0;
            }
            packed += width;
        }
    }
}

static void pack_transposed(int depth, int columns, const float *b, ptrdiff_t column, float *packed) {
    const int whole = (columns + FV__LANES - 1) / FV__LANES * FV__LANES;
    for (int n = 0; n < whole; n += PANEL) {
        const int width = whole - n < PANEL ? whole - n : PANEL, rows = columns - n < width ? columns - n : width;
        transpose(b + n * column, column, packed + (ptrdiff_t)n * depth, width, rows, depth, width);
    }
}

#undef TILES
#undef TILES_UP_TO_6
#undef TILES_UP_TO_8
#undef TILES_UP_TO_12
#undef TILE_ARGUMENTS

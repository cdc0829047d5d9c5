// SPDX-License-Identifier: Apache-2.0
// The attention layer as a call, against a naive reference in double: any lengths and widths, every kind of mask, and
// gradients against differences.
#include <math.h>

#include "scratch.h"

#include "base/random.h"

static fv_error failure;

#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        if (call) {                                                                                                    \
            fail_msg("%s", failure.message);                                                                           \
        }                                                                                                              \
    } while (0)

// --- A reference

typedef struct problem {
    int batch, heads, d_model, queries, keys;
    int widths[3]; // of query, key, value
    fv_mask mask;  // values NULL: none
    float *inputs[3], *d_output;
} problem;

enum { PARAMETERS = 8 };

static int tokens_of(const problem *p, int input) {
    return input ? p->keys : p->queries;
}

static size_t input_count(const problem *p, int input) {
    return (size_t)p->batch * (size_t)tokens_of(p, input) * (size_t)p->widths[input];
}

static size_t output_count(const problem *p) {
    return (size_t)p->batch * (size_t)p->queries * (size_t)p->d_model;
}

static size_t weights_count(const problem *p) {
    return (size_t)p->batch * (size_t)p->heads * (size_t)p->queries * (size_t)p->keys;
}

static size_t parameter_count(const problem *p, int i) {
    size_t in = (size_t)(i < 6 ? p->widths[i / 2] : p->d_model);
    return (i % 2 ? 1 : in) * (size_t)p->d_model;
}

static void arrays_of(const fv_attention_parameters *parameters, float *arrays[PARAMETERS]) {
    memcpy(arrays, parameters, sizeof *parameters);
}

static bool sees(const problem *p, int b, int h, int i, int j) {
    const int at[4] = {b, h, i, j};
    size_t offset = 0;
    for (int axis = 0; axis < p->mask.rank; axis++) {
        int size = p->mask.shape[axis];
        offset = offset * (size_t)size + (size_t)(size == 1 ? 0 : at[4 - p->mask.rank + axis]);
    }
    return !p->mask.values || p->mask.values[offset] != 0;
}

// out (rows, columns) = x (rows, in) · kernel + bias
static void project(const double *x, const double *kernel, const double *bias, double *out, int rows, int in,
                    int columns) {
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            double sum = bias[c];
            for (int k = 0; k < in; k++) {
                sum += x[r * in + k] * kernel[k * columns + c];
            }
            out[r * columns + c] = sum;
        }
    }
}

enum { MOST = 4096 }; // numbers of any array here

// One query of one head: `to` is its part of the concatenated heads.
static void attend(const problem *p, int b, int h, int i, double projected[3][MOST], double *weights, double *to) {
    const int depth = p->d_model / p->heads;
    double largest = -INFINITY, sum = 0;
    for (int j = 0; j < p->keys; j++) {
        double score = 0;
        for (int d = 0; d < depth; d++) {
            score += projected[0][(b * p->queries + i) * p->d_model + h * depth + d] *
                     projected[1][(b * p->keys + j) * p->d_model + h * depth + d];
        }
        weights[j] = sees(p, b, h, i, j) ? score / sqrt(depth) : -1e9;
        largest = fmax(largest, weights[j]);
    }
    for (int j = 0; j < p->keys; j++) {
        sum += weights[j] = exp(weights[j] - largest);
    }
    memset(to, 0, (size_t)depth * sizeof *to);
    for (int j = 0; j < p->keys; j++) {
        weights[j] /= sum;
        for (int d = 0; d < depth; d++) {
            to[d] += weights[j] * projected[2][(b * p->keys + j) * p->d_model + h * depth + d];
        }
    }
}

// arrays: query, key, value, then the eight parameters.
static void reference(const problem *p, double arrays[3 + PARAMETERS][MOST], double *output, double *weights) {
    static double projected[3][MOST], together[MOST];
    const int depth = p->d_model / p->heads;
    for (int i = 0; i < 3; i++) {
        project(arrays[i], arrays[3 + 2 * i], arrays[4 + 2 * i], projected[i], p->batch * tokens_of(p, i), p->widths[i],
                p->d_model);
    }
    for (int b = 0; b < p->batch; b++) {
        for (int h = 0; h < p->heads; h++) {
            for (int i = 0; i < p->queries; i++) {
                attend(p, b, h, i, projected, weights + ((b * p->heads + h) * p->queries + i) * p->keys,
                       together + (b * p->queries + i) * p->d_model + h * depth);
            }
        }
    }
    project(together, arrays[9], arrays[10], output, p->batch * p->queries, p->d_model, p->d_model);
}

// --- Setting up

static float *random_array(fv__random *random, size_t count) {
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(2 * fv__random_uniform(random) - 1);
    }
    return values;
}

static void set_up(problem *p, fv_attention **attention, int threads) {
    fv__random random = fv__random_start(7, FV__DRAW_TEST, 1);
    float *arrays[PARAMETERS];
    fv_attention_options options = {
        .size = sizeof options, p->d_model, p->heads, p->widths[0], p->widths[1], p->widths[2], 3, threads};
    assert_ok(fv_attention_create(&options, attention, &failure));
    const fv_attention_parameters values = *fv_attention_get_parameters(*attention);
    arrays_of(&values, arrays);
    for (int i = 1; i < PARAMETERS; i += 2) { // the biases are not left at 0
        for (size_t j = 0; j < parameter_count(p, i); j++) {
            assert_true(arrays[i][j] == 0);
            arrays[i][j] = (float)fv__random_uniform(&random) - 0.5F;
        }
    }
    for (int i = 0; i < 3; i++) {
        p->inputs[i] = random_array(&random, input_count(p, i));
    }
    p->d_output = random_array(&random, output_count(p));
}

static void take_down(problem *p, fv_attention *attention) {
    fv_attention_free(attention);
    for (int i = 0; i < 3; i++) {
        free(p->inputs[i]);
    }
    free(p->d_output);
}

static fv_tokens tokens(const problem *p, int input) {
    return (fv_tokens){p->inputs[input], p->batch, tokens_of(p, input), p->widths[input]};
}

static fv_status forward(const problem *p, fv_attention *attention, float *output, float *weights) {
    return fv_attention_forward(attention, tokens(p, 0), tokens(p, 1), tokens(p, 2), p->mask.values ? &p->mask : NULL,
                                output, weights, &failure);
}

static fv_status backward(const problem *p, fv_attention *attention, float *const d[3]) {
    return fv_attention_backward(attention, tokens(p, 0), tokens(p, 1), tokens(p, 2), p->mask.values ? &p->mask : NULL,
                                 p->d_output, d[0], d[1], d[2], &failure);
}

static void compare(const char *what, const float *actual, const double *expected, size_t count, double tolerance) {
    for (size_t i = 0; i < count; i++) {
        if (!(fabs((double)actual[i] - expected[i]) <= tolerance)) {
            fail_msg("%s: value %zu is %g, expected %g", what, i, (double)actual[i], expected[i]);
        }
    }
}

// --- Against the reference

static double inner(const problem *p, double arrays[3 + PARAMETERS][MOST]) {
    static double output[MOST], weights[MOST];
    double sum = 0;
    reference(p, arrays, output, weights);
    for (size_t i = 0; i < output_count(p); i++) {
        sum += output[i] * (double)p->d_output[i];
    }
    return sum;
}

// Every gradient against central differences of the reference.
static void check_gradients(const problem *p, fv_attention *attention, double arrays[3 + PARAMETERS][MOST]) {
    static double expected[MOST];
    float *gradients[3 + PARAMETERS];
    for (int i = 0; i < 3; i++) {
        gradients[i] = malloc(input_count(p, i) * sizeof(float));
    }
    assert_ok(backward(p, attention, gradients));
    const fv_attention_parameters sums = *fv_attention_get_gradients(attention);
    arrays_of(&sums, gradients + 3);
    for (int a = 0; a < 3 + PARAMETERS; a++) {
        char what[32];
        snprintf(what, sizeof what, "gradient of array %d", a);
        size_t count = a < 3 ? input_count(p, a) : parameter_count(p, a - 3);
        for (size_t i = 0; i < count; i++) {
            const double step = 1e-4, kept = arrays[a][i];
            arrays[a][i] = kept + step;
            double above = inner(p, arrays);
            arrays[a][i] = kept - step;
            expected[i] = (above - inner(p, arrays)) / (2 * step);
            arrays[a][i] = kept;
        }
        compare(what, gradients[a], expected, count, 2e-5);
    }
    for (int i = 0; i < 3; i++) {
        free(gradients[i]);
    }
}

static void check(problem p) {
    static double arrays[3 + PARAMETERS][MOST], expected[MOST], expected_weights[MOST];
    static float output[MOST], weights[MOST];
    fv_attention *attention;
    float *parameters[PARAMETERS];
    set_up(&p, &attention, 2);
    const fv_attention_parameters values = *fv_attention_get_parameters(attention);
    arrays_of(&values, parameters);
    for (int a = 0; a < 3 + PARAMETERS; a++) {
        size_t count = a < 3 ? input_count(&p, a) : parameter_count(&p, a - 3);
        assert_true(count <= MOST);
        for (size_t i = 0; i < count; i++) {
            arrays[a][i] = (double)(a < 3 ? p.inputs[a] : parameters[a - 3])[i];
        }
    }
    reference(&p, arrays, expected, expected_weights);
    assert_ok(forward(&p, attention, output, weights));
    compare("output", output, expected, output_count(&p), 2e-6);
    compare("weights", weights, expected_weights, weights_count(&p), 1e-6);
    memset(output, 0, sizeof output);
    assert_ok(forward(&p, attention, output, NULL)); // without weights the output is the same
    compare("output alone", output, expected, output_count(&p), 2e-6);
    check_gradients(&p, attention, arrays);
    take_down(&p, attention);
}

static void test_shapes(void **state) {
    (void)state;
    check((problem){2, 2, 6, 3, 3, {6, 6, 6}, {0}, {0}, NULL});
    check((problem){1, 1, 4, 1, 1, {4, 4, 4}, {0}, {0}, NULL});
    check((problem){3, 4, 8, 2, 5, {3, 7, 1}, {0}, {0}, NULL}); // cross-attention, every width different
    check((problem){2, 3, 9, 7, 2, {9, 4, 4}, {0}, {0}, NULL});
    check((problem){1, 8, 8, 5, 19, {2, 2, 2}, {0}, {0}, NULL}); // heads of one feature
}

static void test_masks(void **state) {
    (void)state;
    static const int32_t padding[2 * 4] = {1, 1, 1, 0, 1, 0, 0, 0}, keys[4] = {0, -5, 7, 0};
    static const int32_t causal[3 * 4] = {1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0};
    static const int32_t a_head[2 * 3] = {1, 1, 0, 0, 1, 1}; // (heads, queries, 1)
    int32_t full[2 * 2 * 3 * 4];
    for (int i = 0; i < 48; i++) {
        full[i] = i % 3 != 0 && i / 4 != 5; // one query sees nothing
    }
    const fv_mask masks[] = {{padding, 4, {2, 1, 1, 4}}, {keys, 1, {4}},         {causal, 2, {3, 4}},
                             {causal, 3, {1, 3, 4}},     {a_head, 3, {2, 3, 1}}, {full, 4, {2, 2, 3, 4}},
                             {causal, 4, {1, 1, 3, 4}},  {keys, 1, {1}}};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        check((problem){2, 2, 4, 3, 4, {4, 3, 2}, masks[i], {0}, NULL});
    }
}

static void test_fully_masked(void **state) {
    (void)state;
    static const int32_t nothing = 0;
    problem p = {1, 2, 4, 2, 5, {4, 4, 4}, {&nothing, 1, {1}}, {0}, NULL};
    fv_attention *attention;
    float output[8], weights[20];
    set_up(&p, &attention, 1);
    assert_ok(forward(&p, attention, output, weights));
    for (int i = 0; i < 20; i++) {
        assert_true(weights[i] == 0.2F);
    }
    take_down(&p, attention);
}

// --- How it behaves

static void test_same_bits(void **state) {
    (void)state;
    static float first[MOST], again[MOST], d_first[MOST], d_again[MOST];
    for (int threads = 1; threads <= 3; threads++) {
        problem p = {9, 2, 8, 5, 6, {8, 8, 8}, {0}, {0}, NULL};
        fv_attention *attention;
        set_up(&p, &attention, threads);
        problem other = p;
        other.batch = 2;
        if (threads == 2) { // a call of other shapes before changes nothing
            assert_ok(forward(&other, attention, again, NULL));
        }
        assert_ok(forward(&p, attention, threads > 1 ? again : first, NULL));
        assert_ok(backward(&p, attention, (float *const[3]){threads > 1 ? d_again : d_first, NULL, NULL}));
        if (threads > 1) {
            assert_memory_equal(first, again, output_count(&p) * sizeof(float));
            assert_memory_equal(d_first, d_again, input_count(&p, 0) * sizeof(float));
        }
        take_down(&p, attention);
    }
}

static void test_gradients_add_up(void **state) {
    (void)state;
    problem p = {2, 2, 4, 3, 3, {4, 4, 4}, {0}, {0}, NULL};
    fv_attention *attention;
    float once[16], output[24], changed[24];
    set_up(&p, &attention, 1);
    const fv_attention_parameters sums = *fv_attention_get_gradients(attention),
                                  values = *fv_attention_get_parameters(attention);
    assert_true(sums.key_kernel[3] == 0);
    assert_ok(backward(&p, attention, (float *const[3]){NULL, NULL, NULL}));
    memcpy(once, sums.key_kernel, sizeof once);
    assert_ok(backward(&p, attention, (float *const[3]){NULL, NULL, NULL}));
    for (int i = 0; i < 16; i++) {
        assert_true(sums.key_kernel[i] == 2 * once[i]);
    }
    assert_ok(forward(&p, attention, output, NULL)); // weights written between two calls are used by the second
    values.output_bias[1] += 1;
    values.value_kernel[0] = 9;
    assert_ok(forward(&p, attention, changed, NULL));
    assert_true(fabsf(changed[1] - output[1]) > 0.1F);
    take_down(&p, attention);
}

static void test_seeds(void **state) {
    (void)state;
    fv_attention *layers[3];
    for (int i = 0; i < 3; i++) {
        fv_attention_options options = {.size = sizeof options, .d_model = 8, .heads = 2, .seed = i < 2 ? 5 : 6};
        assert_ok(fv_attention_create(&options, &layers[i], &failure));
    }
    const float limit = sqrtf(6.0F / 16), *kernel = fv_attention_get_parameters(layers[0])->query_kernel;
    assert_memory_equal(kernel, fv_attention_get_parameters(layers[1])->query_kernel, 64 * sizeof(float));
    assert_memory_not_equal(kernel, fv_attention_get_parameters(layers[2])->query_kernel, 64 * sizeof(float));
    assert_memory_not_equal(kernel, fv_attention_get_parameters(layers[0])->key_kernel, 64 * sizeof(float));
    for (int i = 0; i < 64; i++) {
        assert_true(fabsf(kernel[i]) <= limit && kernel[i] != 0);
    }
    for (int i = 0; i < 3; i++) {
        fv_attention_free(layers[i]);
    }
    fv_attention_free(NULL);
}

static void test_options(void **state) {
    (void)state;
    static const struct {
        fv_attention_options options;
        const char *message;
    } cases[] = {
        {{.d_model = 8, .heads = 2}, "size is not set"},
        {{.size = sizeof(fv_attention_options), .d_model = 30, .heads = 4},
         "d_model 30 cannot be divided into 4 heads; numbers of heads that fit: 1, 2, 3, 5, 6, 10, 15, 30"},
        {{.size = sizeof(fv_attention_options), .d_model = 8, .heads = 0}, "heads is 0"},
        {{.size = sizeof(fv_attention_options), .d_model = 0, .heads = 1}, "d_model is 0"},
        {{.size = sizeof(fv_attention_options), .d_model = 1 << 17, .heads = 1}, "1 to 32768"},
        {{.size = sizeof(fv_attention_options), .d_model = 8, .heads = 2, .key_width = -1}, "key_width is -1"},
        {{.size = sizeof(fv_attention_options), .d_model = 8, .heads = 2, .value_width = 1 << 20},
         "value_width is 1048576"},
        {{.size = sizeof(fv_attention_options), .d_model = 8, .heads = 2, .threads = -2}, "threads is -2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_error error = {0};
        fv_attention *attention = (fv_attention *)&error;
        assert_int_equal(fv_attention_create(&cases[i].options, &attention, &error), FV_INVALID);
        assert_null(attention);
        assert_says(error, cases[i].message);
    }
}

static void test_mismatches(void **state) {
    (void)state;
    problem p = {2, 2, 4, 3, 5, {4, 6, 4}, {0}, {0}, NULL};
    static const int32_t ones[64] = {1};
    static const struct {
        fv_mask mask;
        const char *message;
    } masks[] = {
        {{ones, 2, {5, 3}}, "the mask (5, 3) does not broadcast to (batch, heads, queries, keys) = (2, 2, 3, 5)"},
        {{ones, 4, {3, 1, 1, 5}}, "(3, 1, 1, 5)"},
        {{ones, 0, {0}}, "of a rank that is not 1 to 4"},
        {{ones, 5, {1, 1, 1, 1}}, "of a rank that is not 1 to 4"},
        {{NULL, 1, {5}}, "without values"}};
    fv_attention *attention;
    float output[24];
    set_up(&p, &attention, 1);
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        fv_error error = {0};
        assert_int_equal(fv_attention_forward(attention, tokens(&p, 0), tokens(&p, 1), tokens(&p, 2), &masks[i].mask,
                                              output, NULL, &error),
                         FV_INVALID);
        assert_says(error, masks[i].message);
    }
    struct {
        int input;
        fv_tokens tokens;
        const char *message;
    } inputs[] = {{1, {p.inputs[1], 2, 5, 4}, "the key has 4 features, but the layer was made for 6"},
                  {1, {p.inputs[1], 1, 5, 6}, "the query has 2 samples, the key 1"},
                  {2, {p.inputs[2], 2, 4, 4}, "the key has 5 tokens, the value 4"},
                  {0, {p.inputs[0], 0, 3, 4}, "the query has 0 samples of 3 tokens"},
                  {0, {NULL, 2, 3, 4}, "and no values"},
                  {2, {p.inputs[2], 2, 1 << 17, 4}, "1 to 65536 tokens fit"}};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        fv_error error = {0};
        fv_tokens in[3] = {tokens(&p, 0), tokens(&p, 1), tokens(&p, 2)};
        in[inputs[i].input] = inputs[i].tokens;
        assert_int_equal(fv_attention_forward(attention, in[0], in[1], in[2], NULL, output, NULL, &error), FV_INVALID);
        assert_says(error, inputs[i].message);
    }
    free(p.d_output);
    p.d_output = NULL;
    assert_int_equal(backward(&p, attention, (float *const[3]){NULL, NULL, NULL}), FV_INVALID);
    assert_says(failure, "d_output");
    take_down(&p, attention);
}

static fv_status whole_life(const problem *p, fv_error *error) {
    fv_attention_options options = {.size = sizeof options, .d_model = 4, .heads = 2, .threads = 2};
    fv_attention *attention;
    float output[24], d_query[24];
    fv_status status = fv_attention_create(&options, &attention, error);
    if (!status) {
        status =
            fv_attention_forward(attention, tokens(p, 0), tokens(p, 1), tokens(p, 2), &p->mask, output, NULL, error);
    }
    if (!status) {
        status = fv_attention_backward(attention, tokens(p, 0), tokens(p, 1), tokens(p, 2), &p->mask, p->d_output,
                                       d_query, NULL, NULL, error);
    }
    fv_attention_free(attention);
    return status;
}

static void test_every_allocation_can_fail(void **state) {
    (void)state;
    static const int32_t keys[3] = {1, 0, 1};
    problem p = {2, 2, 4, 3, 3, {4, 4, 4}, {keys, 1, {3}}, {0}, NULL};
    fv_attention *attention;
    set_up(&p, &attention, 1);
    fv_error error = {0};
    assert_survives_allocation_failure(whole_life(&p, &error), error);
    take_down(&p, attention);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_fully_masked),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_gradients_add_up),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_mismatches),
        cmocka_unit_test(test_every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

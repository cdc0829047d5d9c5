// SPDX-License-Identifier: Apache-2.0
// Where tokens lie in the image, against changing every pixel and looking which tokens change.
#include "explaining.h"

typedef struct frame {
    const fv_model *model;
    const uint8_t *pixels;
} frame;

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    (void)input, (void)first, (void)worker, (void)error;
    const frame *now = context;
    fv__model_preprocess(now->model, now->pixels, count, out);
    return FV_OK;
}

// Marks in `changed` (pixels, rows) which rows of the model's last value change with which pixel of some images.
static void find_changes(const fv_model *model, int rows, bool *changed) {
    const fv__kernels *kernels;
    fv__plan *plan;
    fv__pool *pool;
    fv_model_info info = *fv_model_get_info(model);
    const int count = info.height * info.width;
    const size_t size = fv__shape_elements(fv__graph_shape(&model->graph, model->top));
    float *before = calloc(size, sizeof *before);
    uint8_t pixels[MOST];
    frame now = {model, pixels};
    const fv__feed feed = {.samples = 1, .weights = model->weights, .render = render, .context = &now};
    assert_ok(fv__kernels_select(NULL, &kernels, &failure));
    assert_ok(fv__pool_create(1, &pool, &failure));
    assert_ok(fv__plan_create(&model->graph, kernels, 1, &(fv__plan_options){.batch = 1, .root = model->top}, &plan,
                              &failure));
    for (int trial = 0; trial < 12; trial++) {
        memcpy(pixels, image_of(model, (uint64_t)trial), (size_t)count);
        assert_ok(fv__plan_run(plan, pool, &feed, &failure));
        memcpy(before, fv__plan_value(plan, model->top), size * sizeof *before);
        for (int p = 0; p < 2 * count; p++) {
            uint8_t kept = pixels[p / 2];
            pixels[p / 2] = p % 2 ? 255 : 0;
            assert_ok(fv__plan_run(plan, pool, &feed, &failure));
            const float *after = fv__plan_value(plan, model->top);
            for (size_t i = 0; i < size; i++) {
                changed[(size_t)(p / 2 * rows) + i / (size / (size_t)rows)] |= before[i] != after[i];
            }
            pixels[p / 2] = kept;
        }
    }
    fv__plan_destroy(plan);
    fv__pool_destroy(pool);
    free(before);
}

static void fields_by_brute_force(void **state) {
    (void)state;
    static const struct {
        const char *layers;
        int before, rows, columns;
        double origin, step, field;
    } cases[] = {
        {"conv2d: {filters: 2, kernel: 3}", 0, 10, 10, 1, 1, 3},
        {"patches: 3", 0, 4, 4, 1, 3, 3},
        {"conv2d: {filters: 2, kernel: 3, stride: 2, padding: same}", 0, 6, 6, 1, 2, 3},
        {"- conv2d: {filters: 3, kernel: 4, padding: same}\n- max_pool2d\n- conv2d: {filters: 4, kernel: 2}\n"
         "- layer_norm\n- reshape: {shape: [25, 4]}\n- dense: 5\n- position_embedding\n- residual: [dense: 5]\n",
         0, 5, 5, 2, 2, 7},
        {"- conv2d: {filters: 2, kernel: 2}\n- depthwise_conv2d: {kernel: 3, stride: 2, padding: same}\n", 0, 6, 6, 0.5,
         2, 4},
        {"- max_pool2d: {size: 3, stride: 2, padding: same}\n- class_token\n- dense: 4\n", 1, 6, 6, 1, 2, 3},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        fv_model *model = model_of(12, 1, cases[c].layers);
        fv__token_grid *grids = calloc((size_t)model->graph.node_count, sizeof *grids);
        fv__geometry(&model->graph, model->input, grids);
        const fv__token_grid *grid = &grids[model->top];
        assert_true(grid->placed);
        assert_int_equal(grid->before, cases[c].before);
        assert_int_equal(grid->rows, cases[c].rows);
        assert_int_equal(grid->columns, cases[c].columns);
        const int tokens = fv__token_count(grid);
        bool *changed = calloc(144 * (size_t)tokens, sizeof *changed);
        find_changes(model, tokens, changed);
        for (int axis = 0; axis < 2; axis++) {
            assert_near(grid->origin[axis], cases[c].origin, 1e-9);
            assert_near(grid->step[axis], cases[c].step, 1e-9);
            assert_near(grid->field[axis], cases[c].field, 1e-9);
        }
        for (int i = 0; i < 144 * tokens; i++) {
            int pixel[2] = {i / tokens / 12, i / tokens % 12}, token = i % tokens - grid->before;
            int place[2] = {token / grid->columns, token % grid->columns};
            bool inside = token >= 0;
            for (int axis = 0; axis < 2; axis++) {
                double centre = grid->origin[axis] + grid->step[axis] * place[axis];
                inside = inside && fabs(pixel[axis] - centre) <= (grid->field[axis] - 1) / 2 + 1e-9;
            }
            if (changed[i] != inside) {
                fail_msg("case %zu: token %d and pixel (%d, %d)", c, token, pixel[0], pixel[1]);
            }
        }
        free(changed);
        free(grids);
        fv_model_free(model);
    }
}

// Where places are mixed, nothing has one.
static void no_places(void **state) {
    (void)state;
    static const char *const mixed[] = {
        "- flatten\n- dense: 16\n- reshape: {shape: [4, 4]}\n- attention\n- flatten\n- dense: 2\n",
        "- global_average_pool\n- reshape: {shape: [1, 1]}\n- attention\n- flatten\n- dense: 2\n",
        "- reshape: {shape: [8, 8]}\n- attention\n- flatten\n- dense: 2\n", // rows as tokens
        "- patches: 2\n- reshape: {shape: [32, 2]}\n- attention\n- flatten\n- dense: 2\n"};
    float map[64];
    for (size_t i = 0; i < sizeof mixed / sizeof *mixed; i++) {
        fv_model *model = model_of(8, 1, mixed[i]);
        fv_explainer *explainer = explainer_of(model, -1);
        assert_int_equal(fv_explainer_get_attention(explainer, 0)->rows, 0);
        assert_non_null(fv_explainer_get_attention(explainer, 0)->weights);
        for (int method = FV_EXPLAIN_ATTENTION; method <= FV_EXPLAIN_GRAD_CAM; method++) {
            assert_int_equal(fv_explainer_map(explainer, (fv_explain_method)method, NULL, map, &failure),
                             FV_UNSUPPORTED);
        }
        assert_ok(fv_explainer_map(explainer, FV_EXPLAIN_OCCLUSION, NULL, map, &failure));
        fv_explainer_free(explainer);
        fv_model_free(model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_by_brute_force),
        cmocka_unit_test(no_places),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}

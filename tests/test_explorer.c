// SPDX-License-Identifier: Apache-2.0
// The page of `fovea report` in a browser, Chromium. It drives the explorer itself (#selftest), and what it found must
// be what the library computes.
#include "datasets.h"
#include "program.h"

#ifdef FV__WITH_CAIRO

#include <cairo.h>
#include <math.h>

static fv_error failure;

// Opens a page, and fails if its scripts complain. What it prints is in the file "browsed".
static void browse(const char *name, const char *fragment, const char *options) {
    char command[2048], log[OUTPUT_SIZE];
    snprintf(
        command, sizeof command,
        "cd %s && HOME=%s timeout 100 chromium --headless=new --no-sandbox --disable-gpu --user-data-dir=%s/chromium "
        "--hide-scrollbars --virtual-time-budget=20000 --enable-logging=stderr %s 'file://%s/%s%s' >browsed 2>log",
        scratch, scratch, scratch, options, scratch, name, fragment);
    if (system(command) != 0) {
        slurp(scratch_path("log"), log);
        fail_msg("%s:\n%s", command, log);
    }
    slurp(scratch_path("log"), log);
    if (strstr(log, "CONSOLE")) {
        fail_msg("%s complains:\n%s", name, strstr(log, "CONSOLE"));
    }
}

// How a token of the image is attended to, or, with slots, how it turns to the slot `query`.
static float weight_of(const fv_attention_weights *layer, int head, int query, int token) {
    const float *weights = layer->weights + (ptrdiff_t)(head < 0 ? 0 : head) * layer->queries * layer->keys;
    token += layer->before;
    return layer->slots ? weights[token * layer->keys + query] : weights[query * layer->keys + token];
}

// The most that a weight of this query can be wrong.
static float tolerance_of(const fv_attention_weights *layer, int head, int query) {
    float most = layer->slots ? 1 : 0;
    for (int token = -layer->before; token < layer->rows * layer->columns && !layer->slots; token++) {
        most = fmaxf(most, weight_of(layer, head, query, token));
    }
    return most / 500;
}

// "view 0 head 1 query 20 most 0.123 at 7" of each layer against an explainer of our own.
static void check_weights(const char *result, const char *model_name, int layers) {
    fv_model *model;
    fv_dataset *data;
    fv_explainer *explainer;
    uint8_t pixels[PIXELS];
    int checked = 0;
    assert_int_equal(fv_model_load(scratch_path(model_name), &model, &failure), FV_OK);
    assert_int_equal(open_set("fashion-mnist", "test", NULL, &data, &failure), FV_OK);
    assert_int_equal(fv_dataset_read(data, 5, pixels, &failure), FV_OK);
    assert_int_equal(fv_explainer_create(model, NULL, &explainer, &failure), FV_OK);
    assert_int_equal(fv_explainer_set_image(explainer, pixels, -1, &failure), FV_OK);
    assert_int_equal(fv_explainer_get_result(explainer)->layers, layers);
    for (const char *at = result; (at = strstr(at, "\nview "));) {
        int view, head, query, place;
        float most;
        assert_int_equal(sscanf(++at, "view %d head %d query %d most %f at %d", &view, &head, &query, &most, &place),
                         5);
        fv_attention_weights layer = *fv_explainer_get_attention(explainer, view);
        if (layer.rows == 0 || layer.groups > 1) {
            continue; // a table of the mean
        }
        assert_int_equal(head, layer.heads > 1 ? layer.heads - 1 : -1);
        assert_true(query >= (layer.slots ? 0 : layer.before));
        const float tolerance = tolerance_of(&layer, head, query);
        assert_true(fabsf(most - weight_of(&layer, head, query, place)) <= tolerance);
        for (int token = 0; token < layer.rows * layer.columns; token++) {
            assert_true(weight_of(&layer, head, query, token) <= most + tolerance);
        }
        checked++;
    }
    assert_true(checked > 0);
    fv_explainer_free(explainer);
    fv_dataset_free(data);
    fv_model_free(model);
}

static void explore(const char *run, int layers, int views) {
    char command[128], name[128];
    snprintf(command, sizeof command, "report %s --samples test:5,6,7", run);
    assert_code(0, command);
    snprintf(name, sizeof name, "%s/report.html", run);
    browse(name, "#selftest", "--window-size=400,800 --dump-dom");
    read_page("browsed");
    const char *result = strstr(html, "<pre id=\"selftest\">");
    assert_non_null(result);
    assert_has(result, "\ndone");
    assert_has(result, "fits");
    int seen = 0;
    for (const char *at = result; (at = strstr(at, " shades ")); seen++) {
        assert_true(atoi(at += 8) > 1 || layers > 1); // not one colour
    }
    assert_int_equal(seen, 3 * views);
    if (layers) {
        snprintf(name, sizeof name, "%s/model.safetensors", run);
        check_weights(result, name, layers);
    }
}

static const char many[] = "data: {set: fashion-mnist, validation: test}\n"
                           "input: {size: [28, 28, 1], normalize: unit}\n"
                           "model:\n"
                           "  - patches: 7\n"
                           "  - dense: 8\n"
                           "  - class_token\n"
                           "  - residual: [{multi_head_attention: {heads: 4}}]\n"
                           "  - residual: [{external_attention: {heads: 2, coefficient: 2}}]\n"
                           "  - multi_head_attention: {heads: 2, over: heads}\n"
                           "  - take_token\n"
                           "  - dense: 10\n"
                           "train: {batch: 32, epochs: 2, optimizer: adam}\n";

static const char none[] = "data: {set: fashion-mnist, validation: test}\n"
                           "input: {size: [28, 28, 1], normalize: unit}\n"
                           "model: [flatten, {dense: 10}]\n"
                           "train: {batch: 32, epochs: 1, optimizer: adam}\n";

static void explores_attention(void **state) {
    (void)state;
    explore("trained", 1, 4); // attention, rollout, gradient, Grad-CAM
    scratch_file("many.yaml", many, strlen(many));
    assert_code(0, "train many.yaml --out many --quiet");
    explore("many", 3, 4); // three layers, gradient
    scratch_file("none.yaml", none, strlen(none));
    assert_code(0, "train none.yaml --out none --quiet");
    explore("none", 0, 1); // occlusion
    assert_has(html, "The model has no attention layer");
}

// Counts colours of the colour map, which nothing else on the page has: bright and far from grey.
static int count_colourful(cairo_surface_t *surface) {
    int count = 0;
    for (int y = 0; y < cairo_image_surface_get_height(surface); y++) {
        const unsigned char *row = cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface);
        for (int x = 0; x < cairo_image_surface_get_width(surface); x++) {
            count += abs(row[4 * x] - row[4 * x + 1]) > 30;
        }
    }
    return count;
}

static void looks_right(void **state) {
    (void)state;
    static const struct {
        const char *options;
        bool dark;
    } looks[] = {{"--window-size=1280,900 --screenshot=shot.png", false},
                 {"--window-size=400,900 --screenshot=shot.png --force-dark-mode", true}};
    assert_code(0, "report trained");
    for (int i = 0; i < 2; i++) {
        browse("trained/report.html", "", looks[i].options);
        cairo_surface_t *surface = cairo_image_surface_create_from_png(scratch_path("shot.png"));
        assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
        assert_int_equal(cairo_image_surface_get_width(surface), i ? 400 : 1280);
        const unsigned char corner = cairo_image_surface_get_data(surface)[0];
        assert_true(looks[i].dark ? corner < 64 : corner == 255);
        assert_true(count_colourful(surface) > 20000);
        cairo_surface_destroy(surface);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explores_attention),
        cmocka_unit_test(looks_right),
    };
    if (system("command -v chromium >/dev/null") != 0) {
        puts("skipped: chromium is not on this machine");
        return 77;
    }
    int failed = cmocka_run_group_tests_name("explorer", tests, open_world, scratch_close);
    free(html);
    return failed;
}

#else

int main(void) {
    puts("skipped: built without cairo, which reads the screenshots");
    return 77;
}

#endif

// SPDX-License-Identifier: Apache-2.0
// Charts: the files are what they say, of the expected size, and values stand where they belong.
#include "scratch.h"

#include <math.h>

#include "draw/chart.h"
#include "draw/figures.h"

#ifdef FV__WITH_CAIRO
#include <cairo.h>

#define assert_ok(call, error)                                                                                         \
    do {                                                                                                               \
        if ((call) != FV_OK) {                                                                                         \
            fail_msg("%s", (error).message);                                                                           \
        }                                                                                                              \
    } while (0)

// --- looking at pictures

static cairo_surface_t *open_png(const char *path) {
    cairo_surface_t *surface = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
    return surface;
}

static fv__colour colour_at(cairo_surface_t *surface, int x, int y) {
    const unsigned char *row = cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface);
    return ((const uint32_t *)(const void *)row)[x] & 0xFFFFFF;
}

// How many pixels of a part of the picture have a colour; width 0: everywhere.
static int count_colour(cairo_surface_t *surface, int left, int right, fv__colour colour) {
    int found = 0;
    for (int y = 0; y < cairo_image_surface_get_height(surface); y++) {
        for (int x = left; x < right; x++) {
            found += colour_at(surface, x, y) == colour;
        }
    }
    return found;
}

static void assert_size(cairo_surface_t *surface, int width, int height) {
    assert_int_equal(cairo_image_surface_get_width(surface), width);
    assert_int_equal(cairo_image_surface_get_height(surface), height);
}

static void assert_svg(const char *path) {
    char text[1 << 16];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    assert_non_null(strstr(text, "<svg"));
    assert_non_null(strstr(text, "<path"));
}

// --- axes

static void rounds_ticks(void **state) {
    (void)state;
    const struct {
        double range;
        int ticks;
        double step;
    } cases[] = {{1, 5, 0.2}, {10, 5, 2}, {50, 6, 10}, {0.013, 6, 0.005}, {7, 7, 1}, {99, 12, 10}, {3e6, 4, 1e6}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(fabs(fv__tick_step(cases[i].range, cases[i].ticks) / cases[i].step - 1) < 1e-9);
    }
}

static void fits_axes(void **state) {
    (void)state;
    fv__chart_axis axis = {0};
    fv__axis_begin(&axis);
    fv__axis_widen(&axis, (const double[]){0.52, NAN, 0.781}, 3);
    fv__axis_round(&axis, 6);
    assert_true(fabs(axis.low - 0.5) < 1e-9 && fabs(axis.high - 0.8) < 1e-9);
    fv__axis_begin(&axis);
    axis.percent = true;
    fv__axis_widen(&axis, (const double[]){1}, 1); // one value
    fv__axis_round(&axis, 6);
    assert_true(axis.low < 1 && axis.high == 1);
    fv__axis_begin(&axis);
    fv__axis_round(&axis, 6); // none
    assert_true(axis.low == 0 && axis.high == 1);
}

static void places_values(void **state) {
    (void)state;
    fv__axes axes = {.x = {.low = 1, .high = 5}, .y = {.low = 0, .high = 1}, .plot = {10, 20, 100, 50}};
    fv__point at = fv__axes_place(&axes, 2, 0.25);
    assert_true(at.x == 35 && at.y == 57.5);
}

// --- figures

static const double epochs[] = {1, 2, 3, 4}, falling[] = {2, 1.2, 0.9, 0.7}, rising[] = {0.4, 0.6, 0.7, 0.75},
                    val_loss[] = {1.8, 1.3, 1.1, 1.2}, val_accuracy[] = {0.45, 0.55, 0.65, 0.6},
                    missing[] = {NAN, NAN, NAN, NAN};

static void draws_curves(void **state) {
    (void)state;
    fv_error error;
    fv__curves run = {"run", 4, epochs, falling, rising, val_loss, val_accuracy};
    const char *png = scratch_path("curves.png"), *svg = scratch_path("curves.svg");
    assert_ok(fv__draw_curves(&run, 1, png, &error), error);
    assert_ok(fv__draw_curves(&run, 1, svg, &error), error);
    assert_svg(svg);
    cairo_surface_t *surface = open_png(png);
    int width = cairo_image_surface_get_width(surface);
    assert_int_equal(width, 1440);
    for (int half = 0; half < 2; half++) { // accuracy on the left, loss on the right
        assert_true(count_colour(surface, half * width / 2, (half + 1) * width / 2, FV__BLUE) > 500);
        assert_true(count_colour(surface, half * width / 2, (half + 1) * width / 2, FV__VERMILLION) > 500);
    }
    assert_int_equal(colour_at(surface, 2, 2), FV__WHITE);
    cairo_surface_destroy(surface);
    run.validation_loss = run.validation_accuracy = missing;
    assert_ok(fv__draw_curves(&run, 1, png, &error), error);
    surface = open_png(png);
    assert_int_equal(count_colour(surface, 0, width, FV__VERMILLION), 0);
    cairo_surface_destroy(surface);
}

static void draws_any_history(void **state) {
    (void)state;
    fv_error error;
    fv__curves runs[FV_MAX_CURVES];
    for (int i = 0; i < FV_MAX_CURVES; i++) {
        runs[i] = (fv__curves){"a rather long name of a run that has to be cut short",
                               (size_t)(i % 5),
                               epochs,
                               falling,
                               rising,
                               val_loss,
                               missing};
    }
    const char *png = scratch_path("any.png");
    for (int count = 1; count <= FV_MAX_CURVES; count++) { // begins with a run of no epochs
        assert_ok(fv__draw_curves(runs, count, png, &error), error);
    }
    cairo_surface_t *surface = open_png(png);
    assert_true(count_colour(surface, 0, 1440, fv__series_colours[3]) > 100);
    cairo_surface_destroy(surface);
}

static void draws_confusion(void **state) {
    (void)state;
    static const size_t confusion[] = {5, 0, 5, 0, 7, 0, 0, 0, 0};
    static const char *const names[] = {"a", "b", "c"};
    fv_error error;
    const char *png = scratch_path("confusion.png");
    assert_ok(fv__draw_confusion(confusion, 3, names, png, &error), error);
    cairo_surface_t *surface = open_png(png);
    int width = cairo_image_surface_get_width(surface);
    assert_true(count_colour(surface, 0, width, fv__shade(1)) > 80 * 80);             // all of b
    assert_true(count_colour(surface, 0, width, fv__shade(sqrt(0.5))) > 2 * 80 * 80); // a: half each
    cairo_surface_destroy(surface);

    enum { MANY = 100 };
    static size_t large[MANY * MANY];
    static const char *many[MANY];
    for (int c = 0; c < MANY; c++) {
        large[c * MANY + c] = 3;
        many[c] = "class";
    }
    assert_ok(fv__draw_confusion(large, MANY, many, png, &error), error);
    surface = open_png(png);
    assert_true(count_colour(surface, 0, cairo_image_surface_get_width(surface), fv__shade(1)) > MANY * 80);
    cairo_surface_destroy(surface);
    const char *svg = scratch_path("confusion.svg");
    assert_ok(fv__draw_confusion(large, MANY, many, svg, &error), error);
    assert_svg(svg);
}

static void draws_bars(void **state) {
    (void)state;
    static const double values[] = {0.25, 1};
    static const char *const names[] = {"low", "high"};
    fv_error error;
    const char *png = scratch_path("bars.png");
    assert_ok(fv__draw_class_bars(values, 2, names, "Bars", png, &error), error);
    cairo_surface_t *surface = open_png(png);
    int blue = count_colour(surface, 0, cairo_image_surface_get_width(surface), FV__BLUE);
    assert_in_range(blue, 900 * 24 * 1.2, 900 * 24 * 1.25); // 450 × 12 units of 4 pixels, less the line of the mean
    cairo_surface_destroy(surface);
}

static void draws_reliability(void **state) {
    (void)state;
    static const double confidence[] = {0.3, 0.8}, accuracy[] = {0.5, 0.75}, shares[] = {0.25, 0.75};
    fv__reliability reliability = {2, confidence, accuracy, shares, 0.0875};
    fv_error error;
    const char *png = scratch_path("calibration.png");
    assert_ok(fv__draw_reliability(&reliability, png, &error), error);
    cairo_surface_t *surface = open_png(png);
    int width = cairo_image_surface_get_width(surface);
    assert_true(count_colour(surface, 0, width, 0x56B4E9) > 320 * 2 * 300);
    assert_true(count_colour(surface, 0, width, FV__VERMILLION) > 500);
    cairo_surface_destroy(surface);
}

static void draws_grids(void **state) {
    (void)state;
    static const uint8_t red[] = {255, 0, 0}, grey[] = {9, 9, 9};
    const fv_grid_cell cells[] = {{.pixels = red, .captions = {"one", "two"}}, {0}, {.pixels = grey, .marked = true}};
    fv_grid grid = {.size = sizeof grid,
                    .rows = 1,
                    .columns = 3,
                    .height = 1,
                    .width = 1,
                    .channels = 3,
                    .scale = 20,
                    .cells = cells};
    fv_error error;
    const char *png = scratch_path("grid.png");
    assert_ok(fv_grid_draw(&grid, png, &error), error);
    cairo_surface_t *surface = open_png(png);
    assert_size(surface, 2 * (3 * 28 + 8), 2 * (8 + 31 + 28));
    assert_int_equal(count_colour(surface, 0, 3 * 28 * 2, 0xFF0000), 40 * 40);
    assert_int_equal(colour_at(surface, 2 * (8 + 28 + 5), 2 * 50), FV__WHITE); // the empty cell
    assert_int_equal(colour_at(surface, 2 * (8 + 56 + 10), 2 * 50), 0x090909);
    assert_true(count_colour(surface, 2 * (4 + 56), 2 * 92, FV__VERMILLION) > 4 * 40);
    cairo_surface_destroy(surface);
}

// --- trouble

static void says_what_is_wrong(void **state) {
    (void)state;
    fv_error error;
    fv__canvas *canvas;
    assert_int_equal(fv__canvas_open(scratch_path("a.jpg"), 10, 10, 1, &canvas, &error), FV_INVALID);
    assert_says(error, ".png or .svg");
    assert_int_equal(fv__canvas_open(scratch_path("a.png"), 1e6, 10, 1, &canvas, &error), FV_INVALID);
    assert_says(error, "too large");
    fv__curves run = {"run", 4, epochs, falling, rising, val_loss, val_accuracy};
    assert_int_equal(fv__draw_curves(&run, 1, scratch_path("nowhere/a.svg"), &error), FV_NOT_FOUND);
    assert_says(error, "nowhere");
}

static fv_status draw_small(fv_error *error) {
    static const size_t confusion[25 * 25] = {1};
    static const char *names[25];
    for (int i = 0; i < 25; i++) {
        names[i] = "name";
    }
    return fv__draw_confusion(confusion, 25, names, scratch_path("small.png"), error);
}

static void survives_allocation_failure(void **state) {
    (void)state;
    fv_error error;
    assert_survives_allocation_failure(draw_small(&error), error);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_ticks),
        cmocka_unit_test(fits_axes),
        cmocka_unit_test(places_values),
        cmocka_unit_test(draws_curves),
        cmocka_unit_test(draws_any_history),
        cmocka_unit_test(draws_confusion),
        cmocka_unit_test(draws_bars),
        cmocka_unit_test(draws_reliability),
        cmocka_unit_test(draws_grids),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(survives_allocation_failure),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}

#else

// Without cairo there is one sentence to test.
int main(void) {
    fv_error error;
    fv__curves run = {0};
    return fv__draw_curves(&run, 1, "curves.png", &error) == FV_UNSUPPORTED ? 0 : 1;
}

#endif
